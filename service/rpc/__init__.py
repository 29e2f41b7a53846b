"""The gRPC face of the service: the only server-side place that knows gRPC.

    server        binds, warms up, serves, drains
    interceptors  the error boundary around every call
    servicer      the five rpcs
    stream        the many items of one DigestStream
    calls         what is in work, until when, and the door
    health        the standard health service
    status        exceptions to statuses and back, one table

``status`` needs the base install alone, and the client reads it backwards.
"""
