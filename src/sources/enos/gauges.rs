//! What EnOS tells of a task in its own words.

use crate::model::NativeGauge;

pub(super) static STATUS: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_instance_status",
    help: "Status code of the task's newest instance, as EnOS numbers them.",
    unit: "",
};
pub(super) static CPU: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_requested_cpu_cores",
    help: "Cores that one run of the task, or each of its parallel parts, asks for.",
    unit: "cores",
};
pub(super) static MEMORY: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_requested_memory_bytes",
    help: "Memory that one run of the task, or each of its parallel parts, asks for.",
    unit: "bytes",
};
pub(super) static TIMEOUT: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_timeout_seconds",
    help: "Time that a run of the task may take.",
    unit: "seconds",
};
pub(super) static TIMED_OUT: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_timed_out",
    help: "Whether the task's newest instance ran longer than it may.",
    unit: "",
};
pub(super) static ALERT: NativeGauge = NativeGauge {
    name: "taskrun_enos_task_alert",
    help: "Whether the task's newest instance raised an alert in EnOS.",
    unit: "",
};

/// All of them.
pub(super) static ALL: [&NativeGauge; 6] = [&STATUS, &CPU, &MEMORY, &TIMEOUT, &TIMED_OUT, &ALERT];
