// Package unused holds, in folders that are modules of their own, what stands
// in for modules that the Temporal server names and standalone never calls:
// clients of clouds, a second database. The go.mod of standalone puts them in
// their places, and they are as small as the compiler allows; a function that
// is called all the same says that this build does not carry what it stands for.
//
// docs/adr/0014-what-standalone-does-not-carry.md says why, what this gives up,
// and what to do when a new version of the server names something new.
package unused
