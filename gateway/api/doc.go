// Package api is /api/v1: the table of routes served over HTTP, with its document
// (OpenAPI 3.1), its problems (RFC 9457) and its events.
//
// It holds no rule of the process. Whoever asks is found out before anything else,
// by the gateway; what he may is asked by the service.
package api
