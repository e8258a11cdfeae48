//! What the operating system knows of this process, under the names that Prometheus' own clients use.

use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, getrlimit};
use nix::time::{ClockId, clock_gettime};
use prometheus_client::metrics::MetricType::{Counter, Gauge};

use super::exposition::Exposition;

/// Writes the metrics of a process that began at this time; those that the system does not report are absent.
pub fn write(text: &mut Exposition, began: SystemTime) {
    let began = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let help = "Start time of the process, in Unix seconds.";
    text.family("process_start_time_seconds", Gauge, help).series(&[], began);
    if let Ok(spent) = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID) {
        let spent = std::time::Duration::from(spent).as_secs_f64();
        text.family("process_cpu_seconds_total", Counter, "Processor time.").series(&[], spent);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (name, field, unit, help) in [
        ("process_resident_memory_bytes", "VmRSS:", 1024, "Resident memory."),
        ("process_virtual_memory_bytes", "VmSize:", 1024, "Virtual memory."),
        ("process_threads", "Threads:", 1, "Threads."),
    ] {
        if let Some(value) = number(&status, field) {
            text.family(name, Gauge, help).series(&[], value * unit);
        }
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        let open = files.count().saturating_sub(1) as u64;
        text.family("process_open_fds", Gauge, "Open file descriptors.").series(&[], open);
        if let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let help = "Limit of open file descriptors.";
            text.family("process_max_fds", Gauge, help).series(&[], limit);
        }
    }
}

/// Returns the first number of a line such as `VmRSS:    45632 kB`.
fn number(status: &str, field: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_status_is_a_number() {
        let status = "VmSize:\t  100 kB\nVmRSS:\t   45632 kB\nThreads:\t7\n";
        assert_eq!(number(status, "VmRSS:"), Some(45_632));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "VmSwap:"), None);
    }
}
