// Package mutations keeps edits of workflow code that would break open cases,
// as data, and applies them without touching the tree. Its tests show that
// each is caught before it is merged: by the replay of recorded histories, or
// by workflowcheck. docs/determinism.md lists them.
package mutations
