//! The engine: settings, the pool that instances are taken from, and the tick.
//!
//! The pool is sized from what the loaded components really take, so that `max_processes` instances of the greediest
//! of them fit; the same number is enforced by [`Engine::enter`], so the pool itself never runs out. Where so much
//! address space can't be reserved (under `ulimit -v`, in small containers), instances are allocated one by one.
//!
//! The tick is a thread that advances the epoch every millisecond while processes live and sleeps while none does. It
//! holds no reference that keeps the engine alive and ends with it.

use super::component::Needs;
use super::error::LoadError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often the epoch advances.
const TICK: Duration = Duration::from_millis(1);
/// The stack of WebAssembly code, and that of code and host functions together.
const WASM_STACK: usize = 512 << 10;
const ASYNC_STACK: usize = 1 << 20;
/// Kept of a freed memory or table instead of being given back to the system: what makes a spawn free of system calls.
const KEEP_MEMORY: usize = 256 << 10;
const KEEP_TABLE: usize = 64 << 10;
/// The address space that all memories together may take; a process has 128 TiB on the usual systems.
const ADDRESS_SPACE: u64 = 32 << 40;
const LARGEST_RESERVATION: u64 = 4 << 30;
const SMALLEST_RESERVATION: u64 = 64 << 20;
const GUARD: u64 = 32 << 20;

/// An engine with its tick.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    shared: Arc<Shared>,
    ticker: Thread,
    max_processes: u32,
    pooled: bool,
}

#[derive(Debug, Default)]
struct Shared {
    alive: AtomicU32,
    stopped: AtomicBool,
}

/// All places are taken.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("all {0} places for WebAssembly processes are taken: raise `max_processes` of the backend")]
pub(super) struct Full(u32);

/// One living process's place.
#[derive(Debug)]
pub(super) struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How large the pool has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizing {
    core_instances: u32,
    memories: u32,
    tables: u32,
    reservation: u64,
}

impl Sizing {
    fn new(processes: u32, needs: Needs) -> Self {
        let memories = processes.saturating_mul(needs.memories.max(1));
        let fits = ADDRESS_SPACE / u64::from(memories.max(1));
        let fits = if fits >= LARGEST_RESERVATION { LARGEST_RESERVATION } else { 1 << fits.max(1).ilog2() };
        Self {
            core_instances: processes.saturating_mul(needs.core_instances.max(1)),
            memories,
            tables: processes.saturating_mul(needs.tables.max(1)),
            reservation: fits.clamp(SMALLEST_RESERVATION, LARGEST_RESERVATION),
        }
    }
}

fn base() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.concurrency_support(false);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(ASYNC_STACK);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    config
}

fn pooled(processes: u32, needs: Needs) -> Config {
    let sizing = Sizing::new(processes, needs);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(processes)
        .total_core_instances(sizing.core_instances)
        .total_memories(sizing.memories)
        .total_tables(sizing.tables)
        .total_stacks(processes)
        .max_memories_per_module(needs.memories_per_module.max(1))
        .max_tables_per_module(needs.tables_per_module.max(1))
        .table_elements(usize::try_from(needs.table_elements).unwrap_or(usize::MAX).max(20_000))
        .max_memory_size(usize::try_from(sizing.reservation).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_MEMORY)
        .table_keep_resident(KEEP_TABLE)
        .pagemap_scan(Enabled::Auto);
    let mut config = base();
    config.memory_reservation(sizing.reservation).memory_guard_size(GUARD);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Memories that are reserved by need and moved when they grow: slower, and content with little address space.
fn on_demand() -> Config {
    let mut config = base();
    config.memory_reservation(0).memory_reservation_for_growth(1 << 20).memory_guard_size(64 << 10);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config
}

impl Engine {
    /// An engine that holds `max_processes` instances of components that take at most `needs`.
    pub(super) fn new(max_processes: u32, needs: Needs) -> Result<Self, LoadError> {
        let max_processes = max_processes.max(1);
        let (wasmtime, pooled) = match wasmtime::Engine::new(&pooled(max_processes, needs)) {
            Ok(engine) => (engine, true),
            Err(cause) => {
                tracing::warn!(
                    max_processes,
                    cause = format!("{cause:#}"),
                    "memory for WebAssembly processes can't be reserved ahead: starting them will be slower"
                );
                let engine =
                    wasmtime::Engine::new(&on_demand()).map_err(|cause| LoadError::engine(format!("{cause:#}")))?;
                (engine, false)
            }
        };
        let shared = Arc::new(Shared::default());
        let ticker = start_ticker(&wasmtime, Arc::clone(&shared))
            .map_err(|cause| LoadError::engine(format!("no thread for its tick: {cause}")))?;
        Ok(Self { wasmtime, shared, ticker, max_processes, pooled })
    }

    /// Takes a place for one process.
    pub(super) fn enter(&self) -> Result<Place, Full> {
        let before = self.shared.alive.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.shared));
        if before >= self.max_processes {
            return Err(Full(self.max_processes));
        }
        if before == 0 {
            self.ticker.unpark();
        }
        Ok(place)
    }

    /// How many processes live.
    pub(super) fn alive(&self) -> u32 {
        self.shared.alive.load(Ordering::Relaxed)
    }

    /// Whether instances come from a pool.
    pub(super) fn is_pooled(&self) -> bool {
        self.pooled
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.ticker.unpark();
    }
}

fn start_ticker(engine: &wasmtime::Engine, shared: Arc<Shared>) -> std::io::Result<Thread> {
    let engine = engine.weak();
    let thread = thread::Builder::new().name("rusm-wasm-tick".into()).spawn(move || {
        while !shared.stopped.load(Ordering::Relaxed) {
            if shared.alive.load(Ordering::Relaxed) == 0 {
                // Whoever enters first unparks: an unpark between the look and the park makes the park return at once.
                thread::park();
                continue;
            }
            thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    Ok(thread.thread().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        core_instances: 3,
        memories: 1,
        tables: 2,
        memories_per_module: 1,
        tables_per_module: 1,
        table_elements: 10,
    };

    #[test]
    fn the_pool_holds_what_was_promised() {
        for (processes, memories, reservation) in [
            (1, 1, LARGEST_RESERVATION),
            (4096, 4096, LARGEST_RESERVATION),
            (8192, 8192, LARGEST_RESERVATION),
            (8193, 8193, 2 << 30),
            (100_000, 100_000, 256 << 20),
            (u32::MAX, u32::MAX, SMALLEST_RESERVATION),
        ] {
            let sizing = Sizing::new(processes, NEEDS);
            assert_eq!((sizing.memories, sizing.reservation), (memories, reservation), "{processes}");
            assert_eq!(sizing.core_instances, processes.saturating_mul(3));
            assert_eq!(sizing.tables, processes.saturating_mul(2));
        }
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let engine = Engine::new(2, NEEDS).unwrap();
        let (first, second) = (engine.enter().unwrap(), engine.enter().unwrap());
        assert!(engine.enter().unwrap_err().to_string().contains("all 2 places"));
        assert_eq!(engine.alive(), 2);
        drop(first);
        let third = engine.enter().unwrap();
        drop((second, third));
        assert_eq!(engine.alive(), 0);
    }

    #[test]
    fn the_tick_ends_with_the_engine() {
        let engine = Engine::new(1, NEEDS).unwrap();
        let shared = Arc::clone(&engine.shared);
        let place = engine.enter().unwrap();
        drop(engine);
        drop(place);
        // The thread's own reference goes when it ends.
        let began = std::time::Instant::now();
        while Arc::strong_count(&shared) > 1 {
            assert!(began.elapsed() < Duration::from_secs(10), "the tick goes on");
            thread::yield_now();
        }
    }
}
