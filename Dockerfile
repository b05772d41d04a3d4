# The worker and the console of kamflow, and starter for use inside the network.
#
#   docker build --build-arg REVISION=$(git rev-parse --short=12 HEAD) -t kamflow .

FROM golang:1.26-alpine AS build
WORKDIR /src
# Only the root module: standalone and its servers stay outside.
ENV GOWORK=off CGO_ENABLED=0
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w" -o /out/ ./worker ./console ./starter

FROM alpine:3.22
# Business time needs time zones, TLS needs certificates.
RUN apk add --no-cache ca-certificates tzdata && adduser -D -H -u 10001 kamflow
COPY --from=build /out/ /usr/local/bin/
# The build id under which Temporal knows this worker; without it the worker
# takes a hash of its program.
ARG REVISION=""
ENV KAM_WORKER_BUILD_ID=${REVISION} KAM_WORKER_LISTEN=0.0.0.0:9464
USER 10001:10001
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=12 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9464/readyz"]
ENTRYPOINT ["worker"]
