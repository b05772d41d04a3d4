// Package pages is where the pages are: one folder for each, with its template,
// its handlers and what else it needs.
package pages
