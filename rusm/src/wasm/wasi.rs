//! WASI, denied by default.
//!
//! All of it is linked, because a standard library imports it whether the program uses it or not; what was not granted
//! refuses. The context is built when a guest first calls into WASI, which most never do. Two interfaces are linked
//! in a version of our own around wasmtime's: the list of open directories and the look-up of host names, which are where
//! a guest first notices that it lacks a grant. So that is where the denial is written down.

use super::Loaded;
use super::capability::{Capabilities, Denial};
use super::denials::Denials;
use super::stdio::{Channel, Output};
use super::store::State;
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as lookup;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, Network};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtxView, WasiSocketsView};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// Random bytes that a guest may ask for at once.
const RANDOM_BYTES: u64 = 1 << 20;

/// One process's WASI.
pub(super) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    pub(super) fn new(
        capabilities: &Arc<Capabilities>,
        component: &Arc<Loaded>,
        denials: &Denials,
        handles: usize,
    ) -> Self {
        let mut builder = WasiCtxBuilder::new();
        builder.max_random_size(RANDOM_BYTES);
        for channel in [Channel::Out, Channel::Error] {
            let output = Output::new(channel, capabilities.stdio, denials);
            match channel {
                Channel::Out => builder.stdout(output),
                Channel::Error => builder.stderr(output),
            };
        }
        for name in &capabilities.env {
            if let Ok(value) = std::env::var(name) {
                builder.env(name, value);
            }
        }
        for preopen in &capabilities.preopens {
            let permissions = if preopen.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            let opened = still_there(&preopen.host)
                .and_then(|()| builder.preopened_dir(&preopen.host, &preopen.guest, permissions).map(drop));
            if let Err(cause) = opened {
                denials.note(Denial::new("preopen", format!("the directory {} ({cause:#})", preopen.host.display())));
            }
        }
        // Each use of a socket is decided by the check, which knows what to say.
        builder.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
        let (capabilities, component, denials) = (Arc::clone(capabilities), Arc::clone(component), denials.clone());
        builder.socket_addr_check(move |address, usage| {
            let network = &capabilities.network;
            let decision = match usage {
                SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
                    network.connect(address, &component.pins)
                }
                // The port that a connection or datagram leaves from.
                SocketAddrUse::TcpBind | SocketAddrUse::UdpBind
                    if address.port() == 0 && address.ip().is_unspecified() =>
                {
                    Ok(())
                }
                _ if network.is_anything() => Ok(()),
                _ => Err(Denial::new(
                    "allow-network",
                    format!("listening on {address}, which takes `allow-network = true` in a trusted profile,"),
                )),
            };
            let allowed = decision.map_err(|denial| denials.note(denial)).is_ok();
            Box::pin(async move { allowed })
        });
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles);
        Self { context: builder.build(), table }
    }
}

/// A directory within one that guests may write in could have been replaced by a link since it was granted.
fn still_there(granted: &Path) -> wasmtime::Result<()> {
    let found = granted.canonicalize()?;
    if found == granted { Ok(()) } else { Err(wasmtime::Error::msg("it is a link now")) }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { context, table } = self.wasi();
        WasiCtxView { ctx: context, table }
    }
}

/// Links WASI.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    preopens::add_to_linker::<State, Directories>(linker, |state| {
        let (granted, denials) = (!state.rights.capabilities.preopens.is_empty(), state.denials.clone());
        DirectoriesView { inner: state.filesystem(), granted, denials }
    })?;
    lookup::add_to_linker::<State, Lookup>(linker, |state| {
        let (capabilities, denials) = (Arc::clone(&state.rights.capabilities), state.denials.clone());
        LookupView { inner: state.sockets(), capabilities, denials }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

struct Directories;

impl HasData for Directories {
    type Data<'a> = DirectoriesView<'a>;
}

struct DirectoriesView<'a> {
    inner: WasiFilesystemCtxView<'a>,
    granted: bool,
    denials: Denials,
}

impl preopens::Host for DirectoriesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        if !self.granted {
            self.denials.note(Denial::new("preopen", "opening files"));
        }
        preopens::Host::get_directories(&mut self.inner)
    }
}

struct Lookup;

impl HasData for Lookup {
    type Data<'a> = LookupView<'a>;
}

struct LookupView<'a> {
    inner: WasiSocketsCtxView<'a>,
    capabilities: Arc<Capabilities>,
    denials: Denials,
}

impl network::Host for LookupView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.inner.network_error_code(error)
    }
}

impl network::HostNetwork for LookupView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.inner, network)
    }
}

impl lookup::Host for LookupView<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<lookup::ResolveAddressStream>, SocketError> {
        if let Err(denial) = self.capabilities.network.resolve(&name) {
            self.denials.note(denial);
            return Err(ErrorCode::AccessDenied.into());
        }
        lookup::Host::resolve_addresses(&mut self.inner, network, name)
    }
}

impl lookup::HostResolveAddressStream for LookupView<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<lookup::ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        self.inner.resolve_next_address(stream)
    }

    fn subscribe(&mut self, stream: Resource<lookup::ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        self.inner.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<lookup::ResolveAddressStream>) -> wasmtime::Result<()> {
        lookup::HostResolveAddressStream::drop(&mut self.inner, stream)
    }
}
