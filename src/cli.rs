//! The command line: its types, and the exit codes.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The configuration file where none is named.
pub const DEFAULT_CONFIG: &str = "/etc/taskrun-exporter/config.toml";

/// How the process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All is well.
    Success = 0,
    /// It failed while running.
    Failure = 1,
    /// The command line was not understood (EX_USAGE).
    Usage = 64,
    /// The configuration has problems (EX_CONFIG); a service manager need not try again.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What to do.
#[derive(Clone, PartialEq, Debug, Subcommand)]
pub enum Command {
    /// Run the exporter; also what happens without a command
    Run(ConfigArgs),
    /// Read the configuration and list every problem; binds nothing, calls nothing
    Check(ConfigArgs),
    /// Poll every source once and print the metrics; keeps no state
    Once(OnceArgs),
    /// Say how many calls a configuration makes, against each quota; binds nothing, calls nothing
    ///
    /// Exits with 0 where every source can keep its schedule, with 1 where one cannot: each such place is a line that
    /// begins with WARN and says what to do.
    Plan(PlanArgs),
    /// Serve the simulated clouds
    #[cfg(feature = "simulator")]
    Simulate(SimulateArgs),
    /// Run simulator and exporter together, with nothing to configure
    #[cfg(feature = "simulator")]
    Demo(DemoArgs),
    /// List every exported metric family
    Metrics(MetricsArgs),
    /// Look into, move or check what is remembered; the exporter must be stopped
    State(StateArgs),
}

/// The arguments of `state`.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct StateArgs {
    /// The state directory [default: state.path of the configuration]
    #[arg(long, value_name = "DIR", global = true)]
    pub path: Option<PathBuf>,
    /// A configuration file; may be repeated, later ones win
    #[arg(long = "config", value_name = "FILE", global = true, default_value = DEFAULT_CONFIG)]
    pub files: Vec<PathBuf>,
    /// What to do with it.
    #[command(subcommand)]
    pub action: StateAction,
}

/// What to do with the state.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum StateAction {
    /// Show what is remembered: each source, region and project; each task of the source or task that is named
    Inspect {
        /// This source alone, with its tasks
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// This task alone, by name or id
        #[arg(long, value_name = "TASK")]
        task: Option<String>,
    },
    /// Print all of it as lines of JSON
    Export,
    /// Make a state of what was exported; the directory must not hold one
    Import {
        /// The file to read, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check every checksum and whether what is counted can be true
    Verify,
}

/// Which configuration.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct ConfigArgs {
    /// A configuration file; may be repeated, later ones win
    #[arg(long = "config", value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub files: Vec<PathBuf>,
}

/// The arguments of `once`.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct OnceArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Poll this source alone
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

/// The arguments of `plan`.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct PlanArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What the configuration does not tell, like dataflows.projects=12; may be repeated. Else what the state
    /// remembers, where no exporter is using it, else a default: the answer lists all of them
    #[arg(long, value_name = "SOURCE.NAME=N")]
    pub assume: Vec<String>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,
}

/// The form of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PlanFormat {
    /// Tables to read.
    Text,
    /// One object.
    Json,
}

/// The arguments of `simulate`.
#[cfg(feature = "simulator")]
#[derive(Clone, PartialEq, Debug, Args)]
pub struct SimulateArgs {
    /// Where to serve
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10311")]
    pub listen: std::net::SocketAddr,
    /// The world to simulate: the same number gives the same runs
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How much faster than real the runs come; 1440 makes a day pass in a minute
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Faults to inject, like throttle=0.1,server=0.05; may be repeated
    #[arg(long, value_name = "FAULT=SHARE", value_delimiter = ',')]
    pub faults: Vec<String>,
}

/// The arguments of `demo`.
#[cfg(feature = "simulator")]
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct DemoArgs {
    /// Where the exporter serves
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10310")]
    pub listen: std::net::SocketAddr,
}

/// The arguments of `metrics`.
#[derive(Clone, PartialEq, Eq, Debug, Args)]
pub struct MetricsArgs {
    /// The form of the list
    #[arg(long, value_enum, default_value_t = CatalogFormat::Markdown)]
    pub format: CatalogFormat,
}

/// The form of the metric catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum CatalogFormat {
    /// A table to read.
    Markdown,
    /// An array of objects.
    Json,
}

/// Tells Prometheus exactly what happened to every task run of WeData, TAT, SCF and EnOS
#[derive(Parser)]
#[command(name = "taskrun-exporter", version, args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: ConfigArgs,
}

/// Reads the command line, the program's name first.
///
/// # Errors
/// What to print, and the code to exit with: help and version on standard output, mistakes on standard error.
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Command, Refusal> {
    Line::try_parse_from(line).map(|line| line.command.unwrap_or(Command::Run(line.run))).map_err(Refusal)
}

/// A command line that asks for nothing to be done.
#[derive(Debug)]
pub struct Refusal(clap::Error);

impl Refusal {
    /// Prints the answer. A closed output is none of our business any more.
    pub fn print(&self) {
        self.0.print().unwrap_or_default();
    }

    /// The code to exit with.
    pub fn exit(&self) -> Exit {
        if self.0.use_stderr() { Exit::Usage } else { Exit::Success }
    }
}

#[cfg(feature = "simulator")]
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("write a number above 0, like 60".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse_line(line: &str) -> Result<Command, Exit> {
        parse(line.split(' ').map(OsString::from)).map_err(|refusal| refusal.exit())
    }

    fn files(names: &[&str]) -> ConfigArgs {
        ConfigArgs { files: names.iter().map(PathBuf::from).collect() }
    }

    #[test]
    fn the_definition_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn no_command_means_run() {
        assert_eq!(parse_line("x"), Ok(Command::Run(files(&[DEFAULT_CONFIG]))));
        assert_eq!(parse_line("x --config a --config b"), Ok(Command::Run(files(&["a", "b"]))));
        assert_eq!(parse_line("x run --config a"), Ok(Command::Run(files(&["a"]))));
        assert_eq!(parse_line("x check --config a --config b"), Ok(Command::Check(files(&["a", "b"]))));
        assert_eq!(
            parse_line("x once --source s"),
            Ok(Command::Once(OnceArgs { config: files(&[DEFAULT_CONFIG]), source: Some("s".into()) }))
        );
        let json = Command::Metrics(MetricsArgs { format: CatalogFormat::Json });
        assert_eq!(parse_line("x metrics --format json"), Ok(json));
    }

    #[test]
    fn mistakes_exit_64_and_questions_exit_0() {
        for line in ["x --confg a", "x fly", "x once --source", "x metrics --format xml", "x run extra"] {
            assert_eq!(parse_line(line), Err(Exit::Usage), "{line}");
        }
        for line in ["x --help", "x --version", "x once --help"] {
            assert_eq!(parse_line(line), Err(Exit::Success), "{line}");
        }
    }

    #[cfg(feature = "simulator")]
    #[test]
    fn the_simulator_has_its_options() {
        let line = "x simulate --listen 127.0.0.1:0 --seed 7 --speed 60 --faults throttle=0.1,html=0.01";
        let Ok(Command::Simulate(args)) = parse_line(line) else { panic!("{line}") };
        assert_eq!((args.seed, args.speed), (7, 60.0));
        assert_eq!(args.faults, ["throttle=0.1", "html=0.01"]);
        for bad in ["0", "-1", "nan", "inf", "fast"] {
            assert_eq!(parse_line(&format!("x simulate --speed={bad}")), Err(Exit::Usage), "{bad}");
        }
        let Ok(Command::Demo(args)) = parse_line("x demo") else { panic!("demo") };
        assert_eq!(args.listen, ([127, 0, 0, 1], 10310).into());
    }
}
