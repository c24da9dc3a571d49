use super::*;
use crate::wire::{decode, encode};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.map(drop).expect_err("an error").kind()
}

#[tokio::test]
async fn the_end_says_whether_it_is_one() {
    type Act = fn(ByteWriter) -> io::Result<()>;
    let ends: [(&str, Act, bool); 3] = [
        ("finished", |writer| writer.finish(), true),
        (
            "dropped",
            |writer| {
                drop(writer);
                Ok(())
            },
            false,
        ),
        ("finished twice", |writer| writer.set_finished().and_then(|()| writer.finish()), true),
    ];
    for (name, end, is_whole) in ends {
        let (mut writer, mut reader) = byte_stream(16);
        writer.write_all(b"all of it").await.unwrap();
        end(writer).unwrap();
        let mut bytes = Vec::new();
        for again in 0..2 {
            let read = reader.read_to_end(&mut bytes).await;
            assert_eq!(read.is_ok(), is_whole, "{name}, {again}");
            if let Err(error) = read {
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                assert!(error.to_string().contains("before it had finished"), "{error}");
            }
            assert_eq!(bytes, b"all of it", "what was written before comes first: {name}");
        }
    }
}

#[tokio::test]
async fn shutdown_is_finishing() {
    let (mut writer, mut reader) = byte_stream(16);
    writer.shutdown().await.unwrap();
    writer.shutdown().await.unwrap();
    let error = writer.write_all(b"more").await.unwrap_err();
    assert!(error.kind() == io::ErrorKind::BrokenPipe && error.to_string().contains("finished before"), "{error}");
    drop(writer);
    assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_writer_hears_that_its_reader_is_gone() {
    let (mut writer, reader) = byte_stream(4);
    assert!(!writer.is_abandoned());
    drop(reader);
    assert!(writer.is_abandoned());
    let error = writer.write(b"x").await.unwrap_err();
    assert!(error.kind() == io::ErrorKind::BrokenPipe && error.to_string().contains("was dropped"), "{error}");
    assert_eq!(kind(writer.write_vectored(&[IoSlice::new(b"x")]).await), io::ErrorKind::BrokenPipe);
    assert_eq!(kind(writer.shutdown().await), io::ErrorKind::BrokenPipe);

    let (writer, reader) = byte_stream(4);
    drop(reader);
    assert_eq!(kind(writer.finish()), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_reader_that_goes_wakes_a_writer_that_waits() {
    let (mut writer, reader) = byte_stream(4);
    let mut writing = by_hand(async move { writer.write_all(b"12345").await });
    assert!(writing.poll().is_none(), "it waits for room");
    drop(reader);
    assert!(writing.is_woken());
    assert_eq!(kind(writing.poll().expect("an answer")), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_read_into_no_room_is_no_end() {
    let (writer, mut reader) = byte_stream(4);
    drop(writer);
    assert_eq!(reader.read(&mut []).await.unwrap(), 0);
    assert_eq!(kind(reader.read(&mut [0]).await), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_capacity_of_zero_is_one() {
    let (mut writer, mut reader) = byte_stream(0);
    let mut writing = by_hand(async move {
        writer.write_all(b"abc").await?;
        writer.finish()
    });
    let mut read = Vec::new();
    while writing.poll().is_none() {
        let mut chunk = [0; 8];
        let length = reader.read(&mut chunk).await.unwrap();
        assert_eq!(length, 1);
        read.extend_from_slice(&chunk[..length]);
    }
    reader.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, b"abc");
}

#[test]
fn it_has_no_bytes_of_its_own() {
    let (writer, reader) = byte_stream(1);
    for error in [encode(&writer).unwrap_err(), encode(&(1, Some(reader))).unwrap_err()] {
        assert_eq!(error.to_string(), LOCAL);
    }
    assert!(decode::<ByteReader>(&[0]).is_err() && decode::<ByteWriter>(&[]).is_err());
    assert_eq!(encode(&7_u8).unwrap(), [7], "the refusal is not kept for others");
    // Lists of them are types like all others.
    assert_eq!(<Vec<ByteReader> as Wire>::SCHEMA.to_string(), "list<ByteReader { local: u64 }>");
}

/// A future that is polled by hand.
struct ByHand<F> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn by_hand<F: Future>(future: F) -> ByHand<F> {
    ByHand { future: Box::pin(future), woken: Arc::new(Woken(false.into())) }
}

impl<F: Future> ByHand<F> {
    fn poll(&mut self) -> Option<F::Output> {
        let waker = self.woken.clone().into();
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }
}

proptest! {
    /// A model: a queue of at most `capacity` bytes. No step waits; what would wait does nothing.
    #[test]
    fn it_is_a_bounded_queue(capacity in 0..9_usize, steps in proptest::collection::vec((any::<bool>(), 0..12_usize), 0..60)) {
        let (mut writer, mut reader) = byte_stream(capacity);
        let mut model = std::collections::VecDeque::new();
        let mut next = 0_u8;
        for (is_write, length) in steps {
            if is_write {
                let bytes: Vec<u8> = (0..length as u8).map(|at| next.wrapping_add(at)).collect();
                let room = capacity.max(1) - model.len();
                let written = by_hand(writer.write(&bytes)).poll();
                let expected = (length == 0 || room > 0).then_some(length.min(room));
                prop_assert_eq!(written.map(Result::unwrap), expected);
                let written = expected.unwrap_or(0);
                model.extend(&bytes[..written]);
                next = next.wrapping_add(written as u8);
            } else {
                let mut bytes = vec![0; length];
                let read = by_hand(reader.read(&mut bytes)).poll();
                let expected = (length == 0 || !model.is_empty()).then_some(length.min(model.len()));
                prop_assert_eq!(read.map(Result::unwrap), expected);
                let expected: Vec<u8> = model.drain(..expected.unwrap_or(0)).collect();
                prop_assert_eq!(&bytes[..expected.len()], &expected[..]);
            }
        }
    }
}
