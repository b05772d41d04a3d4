// Package races has people act on one case at the same moment, again and
// again, and compares what each was told with what is stored. It holds tests
// only.
//
// The servers, the worker and the client are real. Deadlines come after two or
// three seconds by an ordinary policy and an ordinary calendar, whose working
// day is two minutes long. The moments at which two acts are sent are moved
// towards each other until both sides win: a race that one side always wins
// fails, because it shows nothing.
//
// KAM_RACE_ROUNDS says how many rounds are run, KAM_RACE_SEED repeats the
// choices of an earlier run, KAM_RACE_IN_FLIGHT bounds the rounds at one time,
// and KAM_RACE_ONLY runs the races whose name holds that text.
package races
