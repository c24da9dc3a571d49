//! Data that can't cross is reported once, where it is written.
#![allow(unused)]

use rusm::prelude::*;

pub struct Job;
pub struct Done;
pub struct Config;

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start(number: u8, config: Config) -> Self {
        Worker
    }
    pub fn take(&mut self, job: Job) {}
    #[cast]
    pub fn later(&mut self, number: u8, jobs: Vec<Job>) {}
    pub async fn give(&self) -> Option<Done> {
        None
    }
    pub fn defer(&mut self, reply: Reply<Done>) {}
}

fn main() {}
