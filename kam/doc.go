// Package kam holds the words of the staged Key Account Management process that
// all its parts share: boxes, roles, nodes, tasks, audit events, money, time and
// errors, and [Table], by which a process moves. Each process and each matter of
// its own has a room below: access, customer, onboarding, book. Workflow,
// console, command line, documentation and tests all read these tables; there is
// no second copy of any of them.
//
// The package and its rooms import the standard library only. They have no clock
// and do no I/O.
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
