//! `cargo rusm new`

use std::path::Path;

use crate::cli::{New, Template};
use crate::error::{Error, Result};
use crate::shell::Shell;
use crate::step::scaffold;

pub(super) fn run(options: &New, shell: &Shell) -> Result<()> {
    let name = &options.name;
    scaffold::check_name(name)?;
    let folder = Path::new(name);
    if folder.exists() {
        return Err(Error::new(format!("`{name}` exists already")).help("take another name, or remove it first"));
    }
    let template = match options.template {
        Template::Service => "service",
        Template::Http => "http",
        Template::Native => "native",
    };
    shell.status("Creating", format_args!("`{name}` from the template `{template}`"));
    scaffold::write(template, name, folder)?;
    if scaffold::stand_alone(folder)? {
        shell.note(format_args!(
            "`{name}` is a workspace of its own; to make it a member of the one around it, add it to that one's \
             `members` and take `[workspace]` out of `{name}/Cargo.toml`"
        ));
    }
    scaffold::git_init(folder);
    // `cargo run` says so; to be run as a subcommand of cargo does not.
    let from_source = std::env::var_os("CARGO_MANIFEST_DIR").is_some();
    shell.note(what_next(name, options.template, from_source));
    Ok(())
}

/// How to start the new app. Where `cargo rusm` is an alias that runs it from its source, as in a checkout, it works in the folder
/// of that workspace alone.
fn what_next(name: &str, template: Template, from_source: bool) -> String {
    let (command, then) = match template {
        Template::Http => ("serve", "starts it and prints a line to try"),
        Template::Service => ("run", "starts it"),
        Template::Native => {
            return format!("`cd {name} && cargo run` starts it; `cargo test` runs its tests natively");
        }
    };
    if from_source {
        format!(
            "`cargo rusm {command} --manifest-path {name}/rusm.toml` {then}; `cd {name} && cargo test` runs its tests natively"
        )
    } else {
        format!("`cd {name} && cargo rusm {command}` {then}; `cargo test` runs its tests natively")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_next_works_where_it_is_said() {
        for (template, from_source, starts) in [
            (Template::Http, false, "`cd shop && cargo rusm serve`"),
            (Template::Http, true, "`cargo rusm serve --manifest-path shop/rusm.toml`"),
            (Template::Service, false, "`cd shop && cargo rusm run`"),
            (Template::Service, true, "`cargo rusm run --manifest-path shop/rusm.toml`"),
            (Template::Native, false, "`cd shop && cargo run`"),
            (Template::Native, true, "`cd shop && cargo run`"),
        ] {
            let next = what_next("shop", template, from_source);
            assert!(next.starts_with(starts), "{next}");
        }
    }
}
