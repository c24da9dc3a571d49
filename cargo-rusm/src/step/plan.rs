//! Which cargo calls a build takes: a pure function of the manifest and of cargo's metadata.
//!
//! `cargo rustc` takes one package at a time, so there is one call per package, however many components are made of it.
//! All calls share one target folder, so that dependencies are compiled once.

use cargo_metadata::{Metadata, Package, TargetKind};
use rusm::app::Manifest;

/// The target that components are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The stack of a component, unless its package says otherwise; Rust's own default of 1 MiB would be taken by each process.
const STACK: u64 = 64 * 1024;

/// How components are optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub(crate) fn new(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    /// The cargo profile's name. A workspace that defines it itself has the last word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "component-dev",
            Self::Release => "component",
        }
    }

    /// What the profile is, if the workspace doesn't say.
    fn settings(self) -> &'static [&'static str] {
        match self {
            // A component without any optimisation is tens of MiB, most of it debug information that is of no use
            // inside of the sandbox; a little of it compiles faster in the end than all of that code. Checks are on as
            // in `dev`, which is not inherited because what it says of packages is meant for the host.
            Self::Dev => &[
                "inherits=\"release\"",
                "opt-level=1",
                "debug=false",
                "debug-assertions=true",
                "overflow-checks=true",
                "lto=false",
                "codegen-units=16",
                "incremental=true",
                "strip=\"debuginfo\"",
                "panic=\"abort\"",
            ],
            // Without names a backtrace has numbers only, and a small service is a quarter smaller.
            Self::Release => &[
                "inherits=\"release\"",
                "opt-level=\"s\"",
                "lto=\"fat\"",
                "codegen-units=1",
                "debug=false",
                "strip=\"symbols\"",
                "panic=\"abort\"",
            ],
        }
    }
}

/// One cargo call, and the components that its artifact becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) package: String,
    pub(crate) package_id: String,
    pub(crate) components: Vec<String>,
    pub(crate) args: Vec<String>,
}

/// What a workspace has to offer, as the manifest's check wants it.
pub(crate) fn packages(metadata: &Metadata) -> Vec<rusm::app::Package> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| rusm::app::Package { name: package.name.to_string(), library: has_library(package) })
        .collect()
}

fn has_library(package: &Package) -> bool {
    let library = [TargetKind::Lib, TargetKind::RLib, TargetKind::CDyLib, TargetKind::DyLib, TargetKind::StaticLib];
    package.targets.iter().any(|target| target.kind.iter().any(|kind| library.contains(kind)))
}

/// The calls, in the order of the manifest. Packages that don't exist have been reported before.
pub(crate) fn plan(manifest: &Manifest, metadata: &Metadata, own_profiles: &[String], profile: Profile) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for component in &manifest.components {
        let wanted = &component.package.value;
        if let Some(unit) = units.iter_mut().find(|unit| unit.package == *wanted) {
            unit.components.push(component.name.value.clone());
            continue;
        }
        let Some(package) = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == wanted)
        else {
            continue;
        };
        units.push(Unit {
            package: wanted.clone(),
            package_id: package.id.repr.clone(),
            components: vec![component.name.value.clone()],
            args: args(package, metadata, own_profiles, profile),
        });
    }
    units
}

fn args(package: &Package, metadata: &Metadata, own_profiles: &[String], profile: Profile) -> Vec<String> {
    let mut args: Vec<String> = [
        "rustc",
        "--manifest-path",
        package.manifest_path.as_str(),
        // Its name alone may be that of a dependency as well.
        "--package",
        package.id.repr.as_str(),
        "--lib",
        "--crate-type",
        "cdylib",
        "--target",
        TARGET,
        "--target-dir",
        metadata.target_directory.join("rusm").as_str(),
        "--profile",
        profile.name(),
        "--message-format",
        "json-render-diagnostics",
    ]
    .map(str::to_owned)
    .to_vec();
    if !own_profiles.iter().any(|own| own == profile.name()) {
        for setting in profile.settings() {
            args.extend(["--config".to_owned(), format!("profile.{}.{setting}", profile.name())]);
        }
    }
    args.extend(["--".to_owned(), "-C".to_owned(), format!("link-arg=-zstack-size={}", stack(package))]);
    args
}

/// `[package.metadata.rusm] stack-size = 262144`, in bytes.
fn stack(package: &Package) -> u64 {
    package.metadata.get("rusm").and_then(|rusm| rusm.get("stack-size")?.as_u64()).unwrap_or(STACK)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn package(name: &str, kind: &str, metadata: &str) -> String {
        format!(
            r#"{{"name":"{name}","version":"0.1.0","id":"path+file:///w/{name}#0.1.0","license":null,"license_file":null,
            "description":null,"source":null,"dependencies":[],"features":{{}},"manifest_path":"/w/{name}/Cargo.toml",
            "targets":[{{"kind":["{kind}"],"crate_types":["{kind}"],"name":"{name}","src_path":"/w/{name}/src/x.rs",
            "edition":"2024","doc":true,"doctest":true,"test":true}}],"categories":[],"keywords":[],"readme":null,
            "repository":null,"homepage":null,"documentation":null,"edition":"2024","links":null,"default_run":null,
            "rust_version":null,"authors":[],"publish":null,"metadata":{metadata}}}"#
        )
    }

    fn metadata() -> Metadata {
        let packages = [
            package("web", "lib", "null"),
            package("parts", "cdylib", r#"{"rusm":{"stack-size":262144}}"#),
            package("tool", "bin", "null"),
        ];
        let ids = ["web", "parts", "tool"].map(|name| format!("\"path+file:///w/{name}#0.1.0\"")).join(",");
        let json = format!(
            r#"{{"packages":[{}],"workspace_members":[{ids}],"workspace_default_members":[{ids}],"resolve":null,
            "target_directory":"/w/target","version":1,"workspace_root":"/w","metadata":null}}"#,
            packages.join(",")
        );
        cargo_metadata::MetadataCommand::parse(json).unwrap()
    }

    fn manifest(text: &str) -> Manifest {
        Manifest::parse(Path::new("rusm.toml"), text, &|_| None).unwrap()
    }

    const TWO: &str = "[components.web]\n[components.cart]\npackage = 'parts'\n[components.stock]\npackage = 'parts'";

    #[test]
    fn a_package_is_built_once_however_many_components_share_it() {
        let units = plan(&manifest(TWO), &metadata(), &[], Profile::Dev);
        let found: Vec<_> = units.iter().map(|unit| (unit.package.as_str(), unit.components.join("+"))).collect();
        assert_eq!(found, [("web", "web".to_owned()), ("parts", "cart+stock".to_owned())]);
        assert_eq!(units[0].package_id, "path+file:///w/web#0.1.0");
    }

    #[test]
    fn the_call_of_a_release_build() {
        let units = plan(&manifest(TWO), &metadata(), &[], Profile::Release);
        assert_eq!(
            units[0].args.join(" "),
            "rustc --manifest-path /w/web/Cargo.toml --package path+file:///w/web#0.1.0 --lib --crate-type cdylib --target wasm32-wasip2 \
             --target-dir /w/target/rusm --profile component --message-format json-render-diagnostics \
             --config profile.component.inherits=\"release\" --config profile.component.opt-level=\"s\" \
             --config profile.component.lto=\"fat\" --config profile.component.codegen-units=1 \
             --config profile.component.debug=false --config profile.component.strip=\"symbols\" \
             --config profile.component.panic=\"abort\" -- -C link-arg=-zstack-size=65536"
        );
    }

    #[test]
    fn a_profile_of_the_workspace_is_left_as_it_is() {
        let own = ["component".to_owned()];
        let units = plan(&manifest(TWO), &metadata(), &own, Profile::Release);
        assert!(!units[0].args.contains(&"--config".to_owned()));
        let units = plan(&manifest(TWO), &metadata(), &own, Profile::Dev);
        assert!(units[0].args.contains(&"profile.component-dev.opt-level=1".to_owned()));
    }

    #[test]
    fn a_package_may_want_another_stack() {
        let units = plan(&manifest(TWO), &metadata(), &[], Profile::Dev);
        assert_eq!(units[1].args.last().map(String::as_str), Some("link-arg=-zstack-size=262144"));
    }

    #[test]
    fn packages_tell_whether_they_have_a_library() {
        let found: Vec<_> = packages(&metadata()).into_iter().map(|package| (package.name, package.library)).collect();
        assert_eq!(found, [("web".into(), true), ("parts".into(), true), ("tool".into(), false)]);
    }
}
