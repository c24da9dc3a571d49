//! Compiled components, kept by content.
//!
//! Compiled code is machine code: whoever can write an entry can run anything as this user. So the cache is a directory
//! of this node's own, and the argument that makes loading an entry sound is:
//!
//! 1. The directory is no link, belongs to this user, and nobody else may write in it ([`Cache::open`]); it is made
//!    with mode 0700. Otherwise the node goes without a cache.
//! 2. Only [`Cache::put`] writes entries, and only what this node's own compiler made of the bytes at hand. Nothing that a
//!    guest, a peer or the network sends ever gets here.
//! 3. An entry's name is the hash of the component's bytes and of all engine settings that shape the code, so an entry
//!    is never found for other bytes or another engine.
//! 4. An entry carries the hash of its payload, checked on the bytes that are then loaded, in memory and not again from
//!    disk: a torn write or a flipped bit is a miss, and the next compilation replaces it. Entries appear by rename.

use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: [u8; 16] = *b"rusm compiled 1\n";
const HASH: usize = 32;
const HEADER: usize = MAGIC.len() + HASH;

/// A directory of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    dir: PathBuf,
}

/// Whether an entry was there, for the log and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Lookup {
    /// It was taken from the cache.
    Hit,
    /// It was compiled, there being no entry.
    Miss,
    /// It was compiled, the entry being damaged or of another version.
    Replaced,
}

impl Cache {
    /// Opens the directory, making it if there is none.
    ///
    /// # Errors
    /// Why this directory can't be trusted or used; the node then goes without a cache.
    pub(super) fn open(dir: &Path) -> Result<Self, String> {
        create(dir).map_err(|cause| format!("{} can't be made: {cause}", dir.display()))?;
        check(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    fn path(&self, engine: &Engine, bytes: &[u8]) -> PathBuf {
        let mut key = Sha256::new();
        key.update(Sha256::digest(bytes));
        let mut settings = Feed(key);
        engine.precompile_compatibility_hash().hash(&mut settings);
        self.dir.join(format!("{}.cwasm", hex(&settings.0.finalize())))
    }

    /// The compiled component: from the cache if it is there, else compiled and put there.
    ///
    /// Blocks for as long as the compiler runs.
    pub(super) fn load(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<(Component, Lookup)> {
        let path = self.path(engine, bytes);
        let found = match fs::read(&path) {
            Ok(entry) => Some(entry),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => {
                tracing::warn!(path = %path.display(), %cause, "a compiled component can't be read: compiling it again");
                None
            }
        };
        if let Some(payload) = found.as_deref().and_then(payload) {
            // SAFETY: the payload is what `put` wrote and nothing else; the module's introduction gives the argument in four
            // steps. wasmtime checks its own version and settings on top.
            match unsafe { Component::deserialize(engine, payload) } {
                Ok(component) => return Ok((component, Lookup::Hit)),
                Err(cause) => {
                    tracing::debug!(path = %path.display(), %cause, "a compiled component of another version")
                }
            }
        }
        let component = Component::from_binary(engine, bytes)?;
        let lookup = if found.is_some() { Lookup::Replaced } else { Lookup::Miss };
        if let Err(cause) =
            component.serialize().map_err(io::Error::other).and_then(|payload| self.put(&path, &payload))
        {
            tracing::warn!(path = %path.display(), %cause, "a compiled component can't be kept: the next start compiles it again");
        }
        Ok((component, lookup))
    }

    fn put(&self, path: &Path, payload: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join(unused_name("tmp"));
        let written = (|| {
            let mut file = new_file(&temporary)?;
            file.write_all(&header(payload))?;
            file.write_all(payload)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            // Left behind it would only take room; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// A file name that nobody else uses: the process and a number of its own.
fn unused_name(extension: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}.{extension}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn header(payload: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()..].copy_from_slice(&Sha256::digest(payload));
    header
}

/// What an entry holds, if it is whole and of this format.
fn payload(entry: &[u8]) -> Option<&[u8]> {
    let (found, payload) = entry.split_at_checked(HEADER)?;
    (found == header(payload)).then_some(payload)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes whatever is `Hash` with SHA-256.
struct Feed(Sha256);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(unix)]
fn create(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether nobody else can have put anything into the directory.
#[cfg(unix)]
fn check(dir: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let shown = dir.display();
    let found = fs::symlink_metadata(dir).map_err(|cause| format!("{shown} can't be looked at: {cause}"))?;
    if !found.is_dir() {
        return Err(format!("{shown} is not a directory of its own"));
    }
    if found.mode() & 0o022 != 0 {
        return Err(format!("{shown} can be written by others (mode {:o}): `chmod 700` it", found.mode() & 0o7777));
    }
    // A file made now belongs to whoever this process is.
    let probe = dir.join(unused_name("probe"));
    let ours = new_file(&probe).and_then(|file| file.metadata()).map(|metadata| metadata.uid());
    let _ = fs::remove_file(&probe);
    let ours = ours.map_err(|cause| format!("{shown} can't be written: {cause}"))?;
    if found.uid() != ours {
        return Err(format!("{shown} belongs to user {} and not to this one ({ours})", found.uid()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(dir: &Path) -> Result<(), String> {
    Err(format!("{} can't be checked for its owner on this system", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_whole_or_nothing() {
        let mut entry = header(b"code").to_vec();
        entry.extend_from_slice(b"code");
        assert_eq!(payload(&entry), Some(&b"code"[..]));
        for at in 0..entry.len() {
            let mut damaged = entry.clone();
            damaged[at] ^= 1;
            assert_eq!(payload(&damaged), None, "bit flipped at {at}");
            assert_eq!(payload(&entry[..at]), None, "cut at {at}");
        }
        entry.push(0);
        assert_eq!(payload(&entry), None, "something appended");
    }

    #[cfg(unix)]
    mod on_disk {
        use super::*;
        use std::os::unix::fs::PermissionsExt;

        struct Dir(PathBuf);

        impl Dir {
            fn new(name: &str) -> Self {
                let dir = std::env::temp_dir().join(format!("rusm-cache-{name}-{}", std::process::id()));
                let _ = fs::remove_dir_all(&dir);
                Self(dir)
            }
        }

        impl Drop for Dir {
            fn drop(&mut self) {
                let _ = fs::remove_dir_all(&self.0);
            }
        }

        const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

        fn engine() -> Engine {
            Engine::default()
        }

        fn lookup(cache: &Cache, engine: &Engine) -> Lookup {
            cache.load(engine, EMPTY_COMPONENT).unwrap().1
        }

        #[test]
        fn miss_hit_damaged_replaced() {
            let dir = Dir::new("life");
            let (cache, engine) = (Cache::open(&dir.0).unwrap(), engine());
            assert_eq!(fs::metadata(&dir.0).unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(lookup(&cache, &engine), Lookup::Miss);
            assert_eq!(lookup(&cache, &engine), Lookup::Hit);
            let path = cache.path(&engine, EMPTY_COMPONENT);
            let mut entry = fs::read(&path).unwrap();
            let last = entry.len() - 1;
            entry[last] ^= 0xff;
            fs::write(&path, &entry).unwrap();
            assert_eq!(lookup(&cache, &engine), Lookup::Replaced);
            assert_eq!(lookup(&cache, &engine), Lookup::Hit);
            // Whole by its hash, and yet not wasmtime's.
            let mut foreign = header(b"not code").to_vec();
            foreign.extend_from_slice(b"not code");
            fs::write(&path, &foreign).unwrap();
            assert_eq!(lookup(&cache, &engine), Lookup::Replaced);
            assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1, "no temporary file stays");
        }

        #[test]
        fn another_engine_is_another_entry() {
            let dir = Dir::new("engines");
            let cache = Cache::open(&dir.0).unwrap();
            let other = Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
            assert_eq!(lookup(&cache, &engine()), Lookup::Miss);
            assert_eq!(lookup(&cache, &other), Lookup::Miss);
            assert_eq!(lookup(&cache, &engine()), Lookup::Hit);
        }

        #[test]
        fn a_directory_open_to_others_is_refused() {
            let dir = Dir::new("open");
            fs::create_dir(&dir.0).unwrap();
            for mode in [0o777, 0o770, 0o702] {
                fs::set_permissions(&dir.0, fs::Permissions::from_mode(mode)).unwrap();
                assert!(Cache::open(&dir.0).unwrap_err().contains("written by others"), "{mode:o}");
            }
            fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o755)).unwrap();
            assert!(Cache::open(&dir.0).is_ok());
        }

        #[test]
        fn a_link_is_refused() {
            let (dir, link) = (Dir::new("target"), Dir::new("link"));
            fs::create_dir(&dir.0).unwrap();
            std::os::unix::fs::symlink(&dir.0, &link.0).unwrap();
            assert!(Cache::open(&link.0).unwrap_err().contains("not a directory"));
            fs::remove_file(&link.0).unwrap();
        }
    }
}
