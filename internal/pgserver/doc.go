// Package pgserver runs a PostgreSQL server that belongs to this program: its
// files lie in a directory of ours, it listens on loopback only, and it ends
// when we do.
//
// The directory holds:
//
//	lock          names the process that works here
//	cluster/      PostgreSQL's own files
//	password      of the one superuser, readable by us alone
//	port          kept, so that addresses survive a restart
//	location      only where the cluster had to be placed elsewhere
//	postgres.log  what the server says
//	postgresql-*/ its programs, where the machine had none
//
// PostgreSQL refuses to run as root. Started by root, the server therefore
// runs as user postgres, or nobody where there is no such user.
package pgserver
