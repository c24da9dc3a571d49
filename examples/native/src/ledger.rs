//! A service: who owns how much.

use rusm::prelude::*;
use std::collections::BTreeMap;

/// Why money did not move.
#[wire]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerError {
    /// There is no such account.
    NoAccount(String),
    /// The account holds only this much.
    Insufficient(u64),
}

/// Accounts and their balances.
#[service]
pub trait Ledger {
    /// Opens an account, or adds to it.
    async fn deposit(&mut self, account: String, amount: u64) -> u64;
    /// Moves an amount; both accounts change or none.
    async fn transfer(&mut self, from: String, to: String, amount: u64) -> Result<(), LedgerError>;
    /// All balances together.
    async fn total(&self) -> u64;
}

/// A ledger that is gone with its process.
#[derive(Debug)]
pub struct MemoryLedger(BTreeMap<String, u64>);

#[service]
impl Ledger for MemoryLedger {
    #[init]
    fn open(accounts: BTreeMap<String, u64>) -> Self {
        Self(accounts)
    }

    async fn deposit(&mut self, account: String, amount: u64) -> u64 {
        let balance = self.0.entry(account).or_default();
        *balance = balance.saturating_add(amount);
        *balance
    }

    async fn transfer(&mut self, from: String, to: String, amount: u64) -> Result<(), LedgerError> {
        let balance = *self.0.get(&from).ok_or(LedgerError::NoAccount(from.clone()))?;
        let rest = balance.checked_sub(amount).ok_or(LedgerError::Insufficient(balance))?;
        if !self.0.contains_key(&to) {
            return Err(LedgerError::NoAccount(to));
        }
        self.0.insert(from, rest);
        self.deposit(to, amount).await;
        Ok(())
    }

    async fn total(&self) -> u64 {
        self.0.values().sum()
    }
}
