// Package storage stands in for Google Cloud Storage, in which Temporal could
// archive what ended. kamflow archives nothing, so no client is ever made:
// NewClient says so, and the rest is there for the compiler.
package storage

import (
	"context"
	"errors"
)

var errMissing = errors.New("this build of kamflow does not carry Google Cloud Storage; use a Temporal cluster of your own")

const ScopeFullControl = ""

type (
	Client         struct{}
	BucketHandle   struct{}
	ObjectHandle   struct{}
	ObjectIterator struct{}
	Writer         struct{}
	Reader         struct{}
	BucketAttrs    struct{}
	ObjectAttrs    struct{ Name string }
	Query          struct{ Prefix string }
)

func NewClient(context.Context, ...any) (*Client, error) { return nil, errMissing }

func (*Client) Bucket(string) *BucketHandle { return nil }

func (*BucketHandle) Object(string) *ObjectHandle                     { return nil }
func (*BucketHandle) Objects(context.Context, *Query) *ObjectIterator { return nil }
func (*BucketHandle) Attrs(context.Context) (*BucketAttrs, error)     { return nil, errMissing }

func (*ObjectHandle) NewWriter(context.Context) *Writer           { return nil }
func (*ObjectHandle) NewReader(context.Context) (*Reader, error)  { return nil, errMissing }
func (*ObjectHandle) Attrs(context.Context) (*ObjectAttrs, error) { return nil, errMissing }

func (*ObjectIterator) Next() (*ObjectAttrs, error) { return nil, errMissing }

func (*Writer) Write([]byte) (int, error)  { return 0, errMissing }
func (*Writer) Close() error               { return errMissing }
func (*Writer) CloseWithError(error) error { return errMissing }

func (*Reader) Read([]byte) (int, error) { return 0, errMissing }
func (*Reader) Close() error             { return errMissing }
