//! What may be written on the command line.

use std::path::PathBuf;

use anstyle::{AnsiColor, Color, Style};
use clap::builder::Styles;
use clap::{Args, Parser, Subcommand, ValueEnum};

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(color)))
}

/// Those of cargo.
const STYLES: Styles = Styles::styled()
    .header(color(AnsiColor::BrightGreen).bold())
    .usage(color(AnsiColor::BrightGreen).bold())
    .literal(color(AnsiColor::BrightCyan).bold())
    .placeholder(color(AnsiColor::Cyan))
    .error(color(AnsiColor::BrightRed).bold())
    .valid(color(AnsiColor::BrightCyan).bold())
    .invalid(color(AnsiColor::BrightYellow).bold());

/// Builds and runs rusm apps
#[derive(Debug, Parser)]
#[command(name = "cargo-rusm", bin_name = "cargo rusm", version, styles = STYLES)]
pub(crate) struct Cli {
    /// Path to rusm.toml; otherwise it is searched from here upwards
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,

    /// Print nothing but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a new app
    New(New),
    /// Compile the components
    Build(Build),
    /// Build, and start the resident components (and the gateways, if there are any)
    Run(Build),
    /// Build, start the resident components and serve
    Serve(Build),
    /// Look for mistakes: manifest, packages, routes, capabilities, schemas
    Check(Build),
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The app's name, and that of the folder it is made in
    pub(crate) name: String,

    /// What to start from
    #[arg(long, value_enum, default_value_t = Template::Http)]
    pub(crate) template: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A sandboxed service with a typed client
    Service,
    /// HTTP handlers and a service behind them, sandboxed
    Http,
    /// Actors and a supervisor in a plain program, no WebAssembly
    Native,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Build {
    /// Optimise: smaller and faster components, slower builds
    #[arg(short, long)]
    pub(crate) release: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_go_anywhere() {
        for args in [
            ["cargo rusm", "--manifest-path", "x/rusm.toml", "build", "--release"],
            ["cargo rusm", "build", "-r", "--manifest-path", "x/rusm.toml"],
        ] {
            let cli = Cli::try_parse_from(args).unwrap();
            assert_eq!(cli.manifest_path.as_deref(), Some("x/rusm.toml".as_ref()));
            assert!(matches!(cli.verb, Verb::Build(Build { release: true })));
        }
    }
}
