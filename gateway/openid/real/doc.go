// Package real has people sign in by a provider of OpenID Connect that somebody
// else has written, zitadel/oidc, in a test. It is a module of its own, outside
// of the workspace: that provider needs a newer OpenTelemetry than the embedded
// Temporal server can be built with.
//
//	cd gateway/openid/real && GOWORK=off go test ./...
package real
