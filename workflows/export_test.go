package workflows

// What the tests of the texts look at.
var (
	Details    = details
	StageLabel = stageLabel
	ActLabel   = actLabel
	DigestOf   = digestOf
)
