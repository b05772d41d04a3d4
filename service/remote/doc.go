// Package remote is the service over HTTP: what [service.Service] can do, asked of
// a gateway by the table of routes in service/routes. It answers as the service in
// the gateway's process would: the same values, and the same kam.Error with its
// code, field, rule and remedy. A gateway that does not answer is UNREACHABLE.
//
// What carries a key of its own is sent again after a lost answer, for as long as
// the patience lasts: reads always, acts and orders by their decision id, which is
// made here where the caller made none.
package remote
