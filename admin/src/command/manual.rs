//! `admin manual|completions`: the manual page and the completions of a shell, made of the commands.

use std::io::Write as _;

use clap_complete::{Generator as _, Shell};

use super::terminal::Failure;

/// Prints the manual pages: of the program, and of each command, one after the other.
pub(super) fn manual(mut command: clap::Command) -> Result<(), Failure> {
    command.build();
    let mut pages = Vec::new();
    render(&command, &mut pages)?;
    Ok(std::io::stdout().write_all(&pages)?)
}

fn render(command: &clap::Command, pages: &mut Vec<u8>) -> Result<(), Failure> {
    clap_mangen::Man::new(command.clone()).render(pages)?;
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .try_for_each(|command| render(command, pages))
}

/// Prints the completions for a shell.
pub(super) fn completions(mut command: clap::Command, shell: Shell) -> Result<(), Failure> {
    command.set_bin_name("admin");
    command.build();
    let mut script = Vec::new();
    shell.try_generate(&command, &mut script)?;
    Ok(std::io::stdout().write_all(&script)?)
}
