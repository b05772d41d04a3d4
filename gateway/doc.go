// Package gateway lets people in: it knows who sends a request, by the session
// of a browser or by a personal token, and hands that on to pages and to the
// API. It holds no business logic: what somebody may do the service asks.
package gateway
