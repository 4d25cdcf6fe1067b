//! What a program in the sandbox can do by accident ends with the program. Each test runs with and without namespaces.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use orchestrator_codegen::{
    Ending, Exceeded, Interpreter, Job, Limits, Namespaces, Outcome, Sandbox, SandboxError,
};

const BOTH: [Namespaces; 2] = [Namespaces::WhereOffered, Namespaces::Never];

fn sh(script: &str) -> Job {
    Job::new("sh").with_arguments(["-c", script])
}

fn python(script: &str) -> Job {
    let interpreter = Interpreter::find().expect("these tests need python3 in the PATH");
    Job::new(interpreter.program()).with_arguments(["-I", "-c", script])
}

/// Far more than any of these programs takes on a loaded machine, far less than a hang; what has to be ended goes on for longer.
const PATIENCE: Duration = Duration::from_secs(100);

fn patient() -> Limits {
    Limits { time: PATIENCE, ..Limits::default() }
}

#[track_caller]
fn run(limits: Limits, namespaces: Namespaces, job: &Job) -> Outcome {
    Sandbox::new(limits).with_namespaces(namespaces).run(job).unwrap()
}

/// Runs a program that never ends by itself, with a limit of time that lets it get as far as leaving `trace`. How long that takes
/// on a loaded machine nobody knows: the limit is doubled until it was enough.
#[track_caller]
fn run_until_it_left(trace: &Path, namespaces: Namespaces, job: &Job) {
    let mut time = Duration::from_millis(700);
    loop {
        let outcome = run(Limits { time, ..patient() }, namespaces, job);
        assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::Time), "{}", text(&outcome.stderr));
        assert!(outcome.run_time >= time);
        if trace.exists() {
            return;
        }
        assert!(time < PATIENCE, "what is to be ended never ran: {}", text(&outcome.stderr));
        time *= 2;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a file is still being written to.
fn grows(path: &Path) -> bool {
    let size = || std::fs::metadata(path).map_or(0, |found| found.len());
    let before = size();
    std::thread::sleep(Duration::from_millis(150));
    size() > before
}

/// A shell command that writes into `path` for as long as it lives, whatever signal asks it to stop. It ends by itself after a while,
/// so that a failing test leaves nothing behind.
fn immortal(path: &Path) -> String {
    format!(
        "trap '' TERM HUP INT; i=0; while [ $i -lt 600 ]; do echo x >> '{}'; sleep 0.02; i=$((i+1)); done",
        path.display()
    )
}

#[test]
fn an_endless_loop_ends_with_the_grandchild_that_ignores_signals() {
    let folder = tempfile::tempdir().unwrap();
    for namespaces in BOTH {
        let trace: PathBuf = folder.path().join(format!("{namespaces:?}"));
        let script = format!(
            "sh -c \"{}\" & trap '' TERM; while :; do :; done",
            immortal(&trace).replace("$", "\\$")
        );
        run_until_it_left(&trace, namespaces, &sh(&script));
        assert!(!grows(&trace), "the grandchild lives, {namespaces:?}");
    }
}

#[test]
fn a_child_that_leaves_its_group_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for namespaces in BOTH {
        let trace: PathBuf = folder.path().join(format!("{namespaces:?}"));
        // A session of its own, while its parent lives long enough to be seen with it.
        let job = python(
            "import os, subprocess, sys, time\n\
             subprocess.Popen(['sh', '-c', sys.argv[1]], start_new_session=True)\n\
             while not os.path.exists(sys.argv[2]): time.sleep(0.01)\n\
             time.sleep(0.5)\n\
             print('done')",
        )
        .with_arguments([immortal(&trace)])
        .with_arguments([trace.as_os_str()]);
        let outcome = run(patient(), namespaces, &job);
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", text(&outcome.stderr));
        assert!(trace.exists());
        assert!(!grows(&trace), "the child outlived the program, {namespaces:?}");
    }
}

/// Becomes a daemon by the book: a child of a child, in a session of its own, in another folder, whose parents are gone at once.
/// Then either ends or goes on for ever, once the daemon runs.
const DAEMON: &str = "\
import os, signal, sys, time
script, trace, environment, ending = sys.argv[1:]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir('/')
        for at in range(3):
            os.dup2(os.open('/dev/null', os.O_RDWR), at)
        os.execve('/bin/sh', ['sh', '-c', script], dict(os.environ) if environment == 'kept' else {})
    os._exit(0)
os.wait()
while ending == 'never' or not os.path.exists(trace):
    time.sleep(0.01)
";

#[test]
fn a_daemon_ends_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let isolation = Sandbox::default().isolation();
    for namespaces in BOTH {
        for ending in ["soon", "never"] {
            for environment in ["kept", "emptied"] {
                let found = match namespaces {
                    Namespaces::WhereOffered if isolation.children_bound => true,
                    // Found by its environment, so one without any may be lost, as the documentation says.
                    _ => cfg!(target_os = "linux") && environment == "kept",
                };
                let trace = folder.path().join(format!("{namespaces:?}-{ending}-{environment}"));
                let job = python(DAEMON).with_arguments([immortal(&trace)]).with_arguments([
                    trace.as_os_str(),
                    environment.as_ref(),
                    ending.as_ref(),
                ]);
                if ending == "soon" {
                    let outcome = run(patient(), namespaces, &job);
                    assert_eq!(outcome.ending, Ending::Exited(0), "{}", text(&outcome.stderr));
                } else {
                    run_until_it_left(&trace, namespaces, &job);
                }
                assert!(trace.exists(), "the daemon never ran");
                if found {
                    assert!(!grows(&trace), "it lives: {namespaces:?}, {ending}, {environment}");
                }
            }
        }
    }
}

#[test]
fn a_fork_bomb_is_bounded() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for namespaces in BOTH {
        let limits = Limits { processes: 6, ..patient() };
        let bomb = "i=0; while [ $i -lt 24 ]; do sleep 600 & i=$((i+1)); done; wait";
        let began = Instant::now();
        let outcome = run(limits, namespaces, &sh(bomb));
        // The kernel refuses the seventh, or it is counted.
        let refused = matches!(outcome.ending, Ending::Exited(code) if code != 0);
        let ended = outcome.ending == Ending::Exceeded(Exceeded::Processes);
        assert!(ended || (refused && outcome.isolation.processes_limited), "{outcome:?}");
        assert!(began.elapsed() < PATIENCE, "nobody waited for the sleepers");
        // As many as are allowed are no bomb.
        let family = "i=0; while [ $i -lt 4 ]; do sleep 0.1 & i=$((i+1)); done; wait";
        assert_eq!(run(limits, namespaces, &sh(family)).ending, Ending::Exited(0));
    }
}

#[test]
fn a_memory_hog_is_stopped() {
    for namespaces in BOTH {
        let limits = Limits { memory_bytes: 128 << 20, ..patient() };
        let outcome = run(limits, namespaces, &python("print(len(bytearray(400 << 20)))"));
        if outcome.isolation.memory_limited {
            assert_eq!(outcome.ending, Ending::Exited(1));
            assert!(text(&outcome.stderr).contains("MemoryError"), "{}", text(&outcome.stderr));
        }
        let modest = run(limits, namespaces, &python("print(len(bytearray(10 << 20)))"));
        assert_eq!((modest.ending, text(&modest.stdout)), (Ending::Exited(0), "10485760\n".into()));
    }
}

#[test]
fn output_without_end_is_cut() {
    for namespaces in BOTH {
        let limits = Limits { output_bytes: 10_000, file_bytes: 8 << 20, ..patient() };
        for script in ["yes", "yes 1>&2", "trap '' XFSZ; while :; do yes; done"] {
            let outcome = run(limits, namespaces, &sh(script));
            assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::Output), "{script}");
            assert_eq!(outcome.stdout.len().max(outcome.stderr.len()), 10_000, "{script}");
        }
        // What fits is whole, also when both are written at once.
        let chatter = "i=0; while [ $i -lt 500 ]; do echo out; echo err >&2; i=$((i+1)); done";
        let outcome = run(limits, namespaces, &sh(chatter));
        assert_eq!((outcome.stdout.len(), outcome.stderr.len()), (2_000, 2_000));
        assert_eq!(outcome.ending, Ending::Exited(0));
    }
}

#[test]
fn the_folder_is_bounded_and_so_is_each_file() {
    for namespaces in BOTH {
        let limits = Limits { file_bytes: 1 << 20, disk_bytes: 2 << 20, files: 20, ..patient() };
        let outcome = run(limits, namespaces, &sh("exec yes > big"));
        assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::File));
        let many_large = "for i in 1 2 3 4; do head -c 1000000 /dev/zero > $i; done; sleep 600";
        let outcome = run(limits, namespaces, &sh(many_large));
        assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::Disk));
        let elsewhere =
            "for i in 1 2 3 4; do head -c 1000000 /dev/zero > $TMPDIR/$i; done; sleep 600";
        let outcome = run(limits, namespaces, &sh(elsewhere));
        assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::Disk));
        let many = "i=0; while [ $i -lt 30 ]; do mkdir d$i; i=$((i+1)); done; sleep 600";
        let outcome = run(limits, namespaces, &sh(many));
        assert_eq!(outcome.ending, Ending::Exceeded(Exceeded::Files));
    }
}

#[test]
fn the_environment_is_empty() {
    for namespaces in BOTH {
        let outcome = run(patient(), namespaces, &python("import os; print(*sorted(os.environ))"));
        let names = text(&outcome.stdout);
        // Shells add where they are; Python adds its locale.
        let allowed = ["PATH", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"];
        for name in names.split_whitespace() {
            assert!(allowed.contains(&name), "{name} is in the environment");
        }
        assert!(names.contains("PATH") && std::env::var_os("HOME").is_some());
        let outcome = run(patient(), namespaces, &sh("cat; echo end"));
        assert_eq!(text(&outcome.stdout), "end\n", "stdin is empty");
    }
}

#[test]
fn what_is_written_is_gone_afterwards_but_for_what_is_kept() {
    for namespaces in BOTH {
        let job = sh("pwd; cat in/a.txt > kept.txt; mkdir -p deep/er; echo x > deep/er/y; \
                      chmod 0 deep/er deep; echo z > \"$TMPDIR/z\"; echo \"$TMPDIR\"")
        .with_file("in/a.txt", "given")
        .keep("kept.txt")
        .keep("never.txt");
        let outcome = run(patient(), namespaces, &job);
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", text(&outcome.stderr));
        assert_eq!(outcome.files.len(), 1);
        assert_eq!(outcome.files["kept.txt"], b"given");
        let said = text(&outcome.stdout);
        let folders: Vec<&Path> = said.lines().map(Path::new).collect();
        assert_eq!(folders.len(), 2);
        for folder in folders {
            assert!(folder.starts_with(std::env::temp_dir().canonicalize().unwrap()), "{folder:?}");
            assert!(!folder.exists(), "{folder:?} is left");
        }
    }
}

#[test]
fn what_is_kept_is_no_way_out_of_the_folder() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let script = format!("ln -s '{}' out; mkfifo pipe; mkdir folder", secret.path().display());
    let job = sh(&script).keep("out").keep("pipe").keep("folder");
    let outcome = run(patient(), Namespaces::WhereOffered, &job);
    assert_eq!((outcome.ending, outcome.files.len()), (Ending::Exited(0), 0));
    for path in ["../x", "/etc/passwd", "a/../../x", ""] {
        for job in [sh(":").keep(path), sh(":").with_file(path, "")] {
            let error = Sandbox::default().run(&job).unwrap_err();
            assert!(matches!(error, SandboxError::Outside { .. }), "{path:?}: {error}");
        }
    }
}

#[test]
fn the_network_is_cut_where_the_isolation_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let call = format!(
        "import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('through')"
    );
    for namespaces in BOTH {
        let outcome = run(patient(), namespaces, &python(&call));
        let through = outcome.ending == Ending::Exited(0);
        assert_eq!(through, !outcome.isolation.network_cut, "{}", text(&outcome.stderr));
        if namespaces == Namespaces::Never {
            assert!(!outcome.isolation.network_cut && !outcome.isolation.children_bound);
        }
        if !through {
            assert!(text(&outcome.stderr).contains("unreachable"), "{}", text(&outcome.stderr));
        }
    }
}

#[test]
fn exit_code_and_signal_are_told() {
    for namespaces in BOTH {
        let ending = |script: &str| run(patient(), namespaces, &sh(script)).ending;
        assert_eq!(ending("exit 0"), Ending::Exited(0));
        assert_eq!(ending("exit 3"), Ending::Exited(3));
        assert_eq!(ending("exit 128"), Ending::Exited(128));
        assert_eq!(ending("kill -KILL $$"), Ending::Signalled(9));
        assert_eq!(ending("kill -SEGV $$"), Ending::Signalled(11));
        assert_eq!(ending("exit 255"), Ending::Exited(255));
        let silent = run(patient(), namespaces, &sh("kill -KILL $$"));
        assert!(silent.stderr.is_empty(), "nothing is added: {}", text(&silent.stderr));
    }
    let error = Sandbox::default().run(&Job::new("no-such-program")).unwrap_err();
    assert!(matches!(error, SandboxError::NoProgram { .. }));
    assert!(error.to_string().contains("no-such-program"));
}

#[test]
fn the_program_ends_with_the_process_that_watches_it() {
    // The watching process cannot be killed in a test of itself: this is what happens to the pipe then.
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // It holds the pipe open for as long as it lives, and nobody else does. Left alone for a while it ends by itself, and says so.
    let script = format!(
        "trap '' TERM HUP INT; exec 9> '{}'; echo began >&9; \
         i=0; while [ $i -lt 1500 ]; do sleep 0.02 9>&-; i=$((i+1)); done; echo outlived >&9",
        pipe.display()
    );
    let mut family = orphan(&script);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(std::fs::File::open(pipe).unwrap());
        let (mut first, mut rest) = (String::new(), String::new());
        pipe.read_line(&mut first).unwrap();
        tell.send(first).unwrap();
        pipe.read_to_string(&mut rest).unwrap();
        tell.send(rest).unwrap();
    });
    assert_eq!(told.recv_timeout(PATIENCE).as_deref(), Ok("began\n"));
    family.kill().unwrap();
    family.wait().unwrap();
    let rest = told.recv_timeout(PATIENCE);
    assert_eq!(rest.as_deref(), Ok(""), "the program outlived the process that started it");
}

/// This very test binary, running the sandbox in a process that can be killed.
fn orphan(script: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "held_by_another_process", "--nocapture"])
        .env("SANDBOX_TEST_SCRIPT", script)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Part of the test above; by itself it does nothing.
#[test]
fn held_by_another_process() {
    if let Ok(script) = std::env::var("SANDBOX_TEST_SCRIPT") {
        run(patient(), Namespaces::WhereOffered, &sh(&script));
    }
}
