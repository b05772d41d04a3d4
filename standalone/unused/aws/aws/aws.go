// Package aws stands in for the client of Amazon Web Services, with which
// Temporal could archive to S3 and sign requests to OpenSearch. kamflow does
// neither. Whoever asks for credentials is told so.
package aws

import (
	"context"
	"errors"
)

// ErrMissing is what every call answers.
var ErrMissing = errors.New("this build of kamflow does not carry Amazon Web Services; use a Temporal cluster of your own")

type (
	ClientLogMode uint64

	Config struct{ Credentials CredentialsProvider }

	Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

	CredentialsProvider interface {
		Retrieve(context.Context) (Credentials, error)
	}

	Retryer interface{ IsErrorRetryable(error) bool }
)

func String(s string) *string { return &s }
func Int32(n int32) *int32    { return &n }
