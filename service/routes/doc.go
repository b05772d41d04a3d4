// Package routes is the table of routes: each method of [service.Service] as
// HTTP, once. The gateway serves the table, the client in service/remote calls by
// it, and the OpenAPI document is printed from it.
//
// A row says where a use case is found, what goes in and what comes out, and how
// the service is asked. What goes in is a struct: fields with the tag path, query
// or header are parameters, the field Body is the document.
package routes
