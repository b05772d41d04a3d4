// Package kam is the staged Key Account Management process in words and
// tables: boxes, states, transitions, acts, roles, permissions, data sets and
// errors. Workflow, console, command line, documentation and tests all read
// these tables; there is no second copy of any of them.
//
// The package imports the standard library only. It has no clock and does no
// I/O.
//
//	Level 1   1 Analyze and Classify ─▶ 2 Key Account Management
//	                                 ─▶ 3 Territory Management
//
//	Level 2   1.1 Identify ─▶ 1.2 Analyze ─▶ 1.3 Segment ─▶ 1.4 Validate ─▶ 1.5 Identify key accounts ─▶ KA?
//	                                              KA: 2.1 Profile account      Non-KA: 3.1 Plan call activity
//
//	Level 3   1.1.1 receive ─▶ 1.1.2 search ─▶ 1.1.3 territory ─▶ 1.2.1a screening set
//	          ─▶ 1.1.4 determine whether to add ── no ──▶ reject
//	          ─▶ 1.1.5 management confirmation ─▶ 1.2.1b detail set ─▶ 1.2.2 …
package kam
