// Package consoleapp is the console as a program runs it: it connects, puts the
// pages behind the gate, listens, and ends in order.
package consoleapp
