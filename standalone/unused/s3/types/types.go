// Package types stands in for what Amazon S3 answers, which this build never
// asks.
package types

type (
	CommonPrefix struct{ Prefix *string }
	Object       struct{ Key *string }
	NoSuchBucket struct{ error }
	NoSuchKey    struct{ error }
)
