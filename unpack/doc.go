// Package unpack takes archives apart as FOSSology's ununpack does.
package unpack
