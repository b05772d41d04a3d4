// Package config is what an operator may set: [Config] with its defaults, read
// from a file, KAM_* environment variables and flags, the later ones winning.
// Unknown keys are refused by name. The connection to Temporal follows
// TEMPORAL_* and temporal.toml as its own tools do; what stands here overrides
// them only where it is set.
//
// kam.yaml beside this file lists every setting at its default.
package config
