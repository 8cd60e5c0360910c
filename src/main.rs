//! `cst`: arguments, driver, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    cryptosmarttrader::cli::main()
}
