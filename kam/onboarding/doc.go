// Package onboarding is the process of a case: its states and the table of
// transitions, the acts of people and what stands against them, the stages of
// the engine, the record of what was decided, and appeal, review and cases that
// follow another.
package onboarding
