// Package identifier knows the marks by which people and lists tell a company:
// numbers of registers with their forms and check digits, the registers and
// what their numbers stand for, postal codes, phone numbers, and the texts that
// people write where they have no value (P3.4).
package identifier
