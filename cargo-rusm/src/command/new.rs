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
    let (start, then) = match options.template {
        Template::Http => ("cargo rusm serve", "starts it and prints a line to try"),
        Template::Service => ("cargo rusm run", "starts it"),
        Template::Native => ("cargo run", "starts it"),
    };
    shell.note(format_args!("`cd {name} && {start}` {then}; `cargo test` runs its tests natively"));
    Ok(())
}
