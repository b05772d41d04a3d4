package api

import "time"

// Hurry has events looked for and beats sent so often, for all tests of the package.
func Hurry(look, beat time.Duration) { lookEvery, beatEvery = look, beat }
