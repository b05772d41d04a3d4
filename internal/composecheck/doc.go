// Package composecheck holds the tests of docker-compose.yml and Dockerfile.
// They check what can be checked without Docker, and name what they cannot.
package composecheck
