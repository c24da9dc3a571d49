//! Memory for cells and what comes and goes with them: what one process leaves is taken for the next.
//!
//! Cells come and go by the million, and often one worker makes those that another one frees: in most allocators that ends
//! at a lock that both want for each. Here each thread keeps some blocks of each size, and gives and takes them in batches to
//! and from those that all share; what is too many goes back to the allocator.
//!
//! # Why it is sound
//! A block has the layout of its class, whatever was in it, and has one owner at any time: whoever took it, a thread's list, or a batch.

use super::lock;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Mutex;

/// Sizes are rounded up to so many of these and [`LEAST`]: most allocators round to sixteen with a word of their own in front.
const STEP: usize = 16;
const LEAST: usize = 24;
const CLASSES: usize = 63;
/// Larger blocks are not kept.
const MOST: usize = LEAST + (CLASSES - 1) * STEP;
const ALIGN: usize = 16;
const BATCH: usize = 256;
/// How many batches of a class all threads share at most.
const SHARED: usize = 64;

struct Block(NonNull<u8>);

// SAFETY: a block is memory that nobody else has.
unsafe impl Send for Block {}

static BATCHES: [Mutex<Vec<Vec<Block>>>; CLASSES] = [const { Mutex::new(Vec::new()) }; CLASSES];

struct Here([Vec<Block>; CLASSES]);

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here([const { Vec::new() }; CLASSES])) };
}

impl Drop for Here {
    fn drop(&mut self) {
        for (class, blocks) in self.0.iter_mut().enumerate() {
            blocks.drain(..).for_each(|block| free(class, block));
        }
    }
}

fn class(layout: Layout) -> Option<usize> {
    (layout.align() <= ALIGN && layout.size() <= MOST && layout.size() > 0)
        .then(|| layout.size().saturating_sub(LEAST).div_ceil(STEP))
}

const fn block(class: usize) -> Layout {
    match Layout::from_size_align(LEAST + class * STEP, ALIGN) {
        Ok(layout) => layout,
        Err(_) => panic!("a size and an alignment that fit"),
    }
}

fn free(class: usize, Block(memory): Block) {
    // SAFETY: allocated with this layout in `take`, and this is its owner.
    unsafe { dealloc(memory.as_ptr(), block(class)) };
}

/// Memory of this layout, uninitialised.
#[inline]
pub(super) fn take(layout: Layout) -> NonNull<u8> {
    let Some(class) = class(layout) else { return fresh(layout) };
    let kept = HERE.try_with(|here| here.try_borrow_mut().ok()?.0[class].pop());
    match kept {
        Ok(Some(Block(memory))) => memory,
        _ => refill(class),
    }
}

#[cold]
fn refill(class: usize) -> NonNull<u8> {
    let kept = HERE.try_with(|here| {
        *here.try_borrow_mut().ok()?.0.get_mut(class)? = lock(&BATCHES[class]).pop()?;
        here.try_borrow_mut().ok()?.0[class].pop()
    });
    match kept {
        Ok(Some(Block(memory))) => memory,
        _ => fresh(block(class)),
    }
}

#[cold]
fn fresh(layout: Layout) -> NonNull<u8> {
    // SAFETY: a cell is not of size zero.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives memory back.
///
/// # Safety
/// From `take` with this layout, and nobody uses it any more.
#[inline]
pub(super) unsafe fn give(memory: NonNull<u8>, layout: Layout) {
    let Some(class) = class(layout) else {
        // SAFETY: such layouts come straight from the allocator.
        unsafe { dealloc(memory.as_ptr(), layout) };
        return;
    };
    let mut given = Some(Block(memory));
    let _ = HERE.try_with(|here| {
        let Ok(mut here) = here.try_borrow_mut() else { return };
        let blocks = &mut here.0[class];
        if blocks.len() < 2 * BATCH {
            blocks.extend(given.take());
        }
    });
    if let Some(Block(memory)) = given {
        give_more(class, Block(memory));
    }
}

/// One of which there are too many here, or that comes when the thread is about to end.
#[cold]
fn give_more(class: usize, block: Block) {
    let mut given = Some(block);
    let _ = HERE.try_with(|here| {
        let Ok(mut here) = here.try_borrow_mut() else { return };
        let blocks = &mut here.0[class];
        let batch = blocks.split_off(blocks.len().min(BATCH));
        blocks.extend(given.take());
        let mut batches = lock(&BATCHES[class]);
        if batches.len() < SHARED {
            batches.push(batch);
            return;
        }
        drop(batches);
        batch.into_iter().for_each(|block| free(class, block));
    });
    if let Some(left) = given {
        free(class, left);
    }
}

/// A box whose memory comes from here: for what is made and dropped as often as cells, on different threads.
pub(crate) struct Pooled<T>(NonNull<T>);

// SAFETY: it owns its value, as a box does.
unsafe impl<T: Send> Send for Pooled<T> {}
// SAFETY: shared, it gives shared access to its value only.
unsafe impl<T: Sync> Sync for Pooled<T> {}

impl<T> Pooled<T> {
    #[inline]
    pub(super) fn new(value: T) -> Self {
        Self::make(|| value)
    }

    /// A value that is made where it stays. Should `make` panic, the block is lost.
    #[inline]
    pub(super) fn make(make: impl FnOnce() -> T) -> Self {
        const { assert!(size_of::<T>() > 0) };
        let place = take(Layout::new::<T>()).cast::<T>();
        // SAFETY: the block is of this layout, and nobody else has it.
        unsafe { place.write(make()) };
        Self(place)
    }

    /// The pointer to the value, which [`from_raw`](Self::from_raw) makes a box of again.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<T> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    /// From `into_raw`, and once.
    #[inline]
    pub(super) unsafe fn from_raw(value: NonNull<T>) -> Self {
        Self(value)
    }

    /// The value; its memory goes back.
    #[inline]
    pub(super) fn into_inner(self) -> T {
        let this = ManuallyDrop::new(self);
        // SAFETY: the value was written by `make` and is not used again there.
        let value = unsafe { this.0.read() };
        // SAFETY: taken in `make` for this layout.
        unsafe { give(this.0.cast(), Layout::new::<T>()) };
        value
    }
}

impl<T: fmt::Debug> fmt::Debug for Pooled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Deref for Pooled<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: it was written by `make`, and lives until this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Pooled<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and whoever has this alone has its value alone.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Pooled<T> {
    fn drop(&mut self) {
        // SAFETY: the value was written by `make` and is not used again. Should its drop panic, the block is lost.
        unsafe { self.0.drop_in_place() };
        // SAFETY: taken in `make` for this layout.
        unsafe { give(self.0.cast(), Layout::new::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let of = |size, align| class(Layout::from_size_align(size, align).unwrap());
        let cases = [
            (1, 1, Some(0)),
            (24, 8, Some(0)),
            (25, 16, Some(1)),
            (40, 8, Some(1)),
            (41, 8, Some(2)),
            (1016, 8, Some(62)),
            (1017, 8, None),
            (64, 64, None),
        ];
        for (size, align, expected) in cases {
            assert_eq!(of(size, align), expected, "{size} {align}");
        }
        assert!((0..CLASSES).all(|at| class(block(at)) == Some(at) && block(at).size() % STEP == 8));
    }

    #[test]
    fn blocks_wander_between_threads() {
        let layout = Layout::new::<[u64; 40]>();
        let (sender, receiver) = std::sync::mpsc::channel::<Block>();
        let frees = std::thread::spawn(move || {
            let mut last = 0;
            for Block(memory) in receiver {
                // SAFETY: it was written before it was sent.
                last = unsafe { memory.cast::<u64>().read() };
                // SAFETY: it is from `take` with this layout.
                unsafe { give(memory, layout) };
            }
            last
        });
        for number in 0..10_000_u64 {
            let memory = take(layout);
            // SAFETY: it has room for it, and nobody else has it.
            unsafe { memory.cast::<u64>().write(number) };
            sender.send(Block(memory)).unwrap();
        }
        drop(sender);
        assert_eq!(frees.join().unwrap(), 9999);
    }
}
