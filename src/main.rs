//! The `taskrun-exporter` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskrun_exporter::app::main(std::env::args_os()).into()
}
