// Package match says which parties may be one: names without their legal forms,
// hosts, addresses and numbers are compared under the weights of a policy, in
// pairs, in a book, and against the lines of a screening list (P3.4.4, P3.4.5).
package match
