// Package observe lets a program tell what it does: traces and metrics by
// OpenTelemetry, and log lines that name the trace they belong to.
//
// Traces are off until the environment asks for them by the variables that
// OpenTelemetry has for it. Off means that no exporter is made, no address is
// called, nothing is added to the histories of cases, and no span is recorded.
package observe
