//! The consoles of the documents are true: each command is run, in the state that those before it have made, and says
//! what is printed there. Times, sizes and ids are set aside.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::{Program, Redis, are_installed, free_port, larder, until, without_settings};

/// The documents that have consoles. Those of one line are run one after the other, in a shop of their own.
const WALKS: [&[&str]; 2] = [&["README.md"], &["docs/shop/tour.md", "docs/shop/command-line.md"]];

/// What begins a block of commands with their output.
const CONSOLE: &str = "```console\n";

/// A command with the output that the document prints.
struct Step {
    command: String,
    output: String,
}

#[test]
fn the_consoles_of_the_documents_are_true() {
    if !are_installed(&["bash", "curl", "sqlite3", "redis-server", "redis-cli"]) {
        return;
    }
    let wrong: Vec<String> = WALKS.into_iter().flat_map(walk).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the commands of these documents in one shop, and describes each that says something else.
fn walk(documents: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(redis) = Redis::start() else { return wrong };
    let folder = tempfile::tempdir().unwrap();
    let mut console = Console::open(folder.path(), redis.port());
    let mut shop = Some(serve(folder.path(), console.port, &[]));
    for (document, block) in documents.iter().flat_map(|document| consoles(document)) {
        if block.contains("redis-cli") {
            drop(shop.take());
            let address = format!("redis://127.0.0.1:{}", redis.port());
            shop = Some(serve(folder.path(), console.port, &["--redis", &address]));
        }
        for step in steps(&block) {
            let expected = told(&step.command, &step.output);
            let mut found = told(&step.command, &console.does(&step.command));
            if step.command.starts_with("redis-cli keys") {
                // Entries are written after the answer.
                until("Redis has the entries", || {
                    found = told(&step.command, &console.does(&step.command));
                    found == expected
                });
            }
            if found != expected {
                let command = step.command;
                wrong.push(format!("{document}: {command}\n  says:  {expected}\n  found: {found}"));
            }
        }
    }
    wrong
}

/// Returns the blocks of commands in a document, each with the document's name.
fn consoles(document: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(document).unwrap();
    let blocks = text.split(CONSOLE).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| (document.to_owned(), block.to_owned())).collect()
}

#[test]
fn every_document_with_a_console_is_walked() {
    let mut folders = vec![Path::new("docs").to_owned()];
    let mut found = vec!["README.md".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.to_string_lossy().into_owned()),
            }
        }
    }
    found.retain(|name| name.ends_with(".md") && !consoles(name).is_empty());
    found.sort();
    let mut walked = WALKS.concat();
    walked.sort_unstable();
    assert_eq!(found, walked);
}

/// Starts the shop with its samples, as the documents say.
fn serve(folder: &Path, port: u16, flags: &[&str]) -> Program {
    let mut command = larder(&["serve", "--bind", &format!("127.0.0.1:{port}")]);
    let shop = Program::start({
        command.args(flags).current_dir(folder);
        command
    });
    let is_open = |out: &str, _: &str| out.contains("Larder is open").then_some(());
    assert!(shop.wait_for(is_open).is_some(), "no shop: {}", shop.err());
    shop
}

/// A shell in the folder of the shop.
struct Console {
    port: u16,
    redis: u16,
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The line after the output of a command.
const END: &str = "-- end of the output --";

impl Console {
    fn open(folder: &Path, redis: u16) -> Self {
        let port = free_port();
        let programs = Path::new(env!("CARGO_BIN_EXE_larder")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        without_settings(&mut command);
        command.current_dir(folder).env("PATH", format!("{}:{path}", programs.display()));
        command.env("LARDER_BIND", format!("127.0.0.1:{port}")).env("NO_PROXY", "*");
        let mut shell =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let (input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        let mut console = Self { port, redis, shell, input, output: BufReader::new(output) };
        console.does(&format!("exec 2>&1; redis-cli() {{ command redis-cli -p {redis} \"$@\"; }}"));
        console
    }

    /// Runs a command and returns its output, both with the ports that the documents name.
    fn does(&mut self, command: &str) -> String {
        let ports = [(":8000", self.port), (":6379", self.redis)];
        let mut command = command.replace("larder compare", "larder compare --requests 20");
        for (named, port) in ports {
            command = command.replace(named, &format!(":{port}"));
        }
        writeln!(self.input, "{command}\nprintf '\\n%s\\n' '{END}'").unwrap();
        let mut output = String::new();
        while !output.ends_with(&format!("{END}\n")) {
            assert_ne!(self.output.read_line(&mut output).unwrap(), 0, "the shell ended");
        }
        output = output.replace(END, "");
        for (named, port) in ports {
            output = output.replace(&format!(":{port}"), named);
        }
        output
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Splits a block into its commands, each with the output beneath it.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step { command: command.to_owned(), output: String::new() });
            }
            (None, Some(step)) if !is_whole(&step.command) => {
                step.command += &format!("\n{line}");
            }
            (None, Some(step)) => step.output += &format!("{line}\n"),
            (None, None) => panic!("no command above {line}"),
        }
    }
    steps
}

/// Reports whether the shell would run this, and not wait for another line.
fn is_whole(command: &str) -> bool {
    let checked = Command::new("bash").args(["-n", "-c", command]).stderr(Stdio::null()).status();
    !command.ends_with('\\') && checked.is_ok_and(|status| status.success())
}

/// Returns the words of an output without times, sizes and ids; of statistics and measurements without any number.
fn told(command: &str, output: &str) -> String {
    let has_figures =
        ["larder compare", "larder cache stats"].iter().any(|c| command.starts_with(c));
    let mut words: Vec<String> = Vec::new();
    // The documents show an optimised build.
    let hint = "This program was built without optimisation; use cargo run --release -- compare.";
    let output = output.replace(hint, "");
    let mut all = output.split_whitespace().peekable();
    while let Some(word) = all.next() {
        let is_number = word.trim_end_matches(['.', ',', ';']).chars().all(is_of_number);
        let unit = all.peek().copied().unwrap_or_default().trim_end_matches([',', '.', ';']);
        let follows = words.last().map(String::as_str);
        if is_number && ["µs", "ms", "s", "min", "h", "d"].contains(&unit) && !has_figures {
            all.next();
            if follows != Some("TIME") {
                words.push("TIME".to_owned());
            }
        } else if is_number && (has_figures || unit == "bytes" || follows == Some("age:")) {
            words.push("#".to_owned());
        } else if word != "(integer)" {
            words.push(without_ids(word));
        }
    }
    words.join(" ")
}

fn is_of_number(letter: char) -> bool {
    letter.is_ascii_digit() || ",.".contains(letter)
}

/// Replaces hashes, stamps, and the numbers after `dur=` and `ttl=`.
fn without_ids(word: &str) -> String {
    let mut plain = String::new();
    for part in word.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let name = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_hash = name.len() >= 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time =
            ["dur=", "ttl=", "dur=#.", "dur=#"].iter().any(|front| plain.ends_with(front));
        if is_hash || (is_time && !name.is_empty()) {
            plain = plain.trim_end_matches('-').to_owned() + "#" + &part[name.len()..];
        } else {
            plain += part;
        }
    }
    plain.replace("#.#", "#")
}

#[test]
fn times_and_ids_are_set_aside_and_nothing_else() {
    for (command, output, expected) in [
        ("look /", "age: 12\nttl=35, total;dur=1.023,", "age: # ttl=#, total;dur=#,"),
        ("curl", "HTTP/1.1 303 See Other", "HTTP/1.1 303 See Other"),
        ("curl", "desc=\"61426afcd20038b2\" $8.99", "desc=\"#\" $8.99"),
        ("larder cache get x", "left 56 min 30 s\n1,527 bytes", "left TIME # bytes"),
        ("larder cache get x", "! 2 -1266893636630356720", "! 2 #"),
        ("larder cache stats", "page 3 6; 47,762 of", "page # # # of"),
    ] {
        assert_eq!(told(command, output), expected, "{output}");
    }
    let steps = steps("$ look() { curl |\n  sort; }\n$ a \\\n  b\nc\nd\n");
    let commands: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
    assert_eq!(commands, ["look() { curl |\n  sort; }", "a \\\n  b"]);
    assert_eq!(steps[1].output, "c\nd\n");
}
