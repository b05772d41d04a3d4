// Package customer is what is known of a customer: the data of a request and of
// a record, the table of its fields with their form, what a confirmation is
// given for, findings and screening, and how two records become one and one
// becomes two. It knows no process.
package customer
