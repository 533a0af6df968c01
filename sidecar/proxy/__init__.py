"""The data plane: a worker process that relays HTTP/1.1 between clients and model servers.

For: passing bytes on, both ways, never waiting for anything that only watches. It knows HTTP, upstreams and variants;
it knows nothing of JSON, detections or SQL, and imports nothing heavy.

Key types, in the order a request meets them:

    head        strict request and response heads, pure          body     framing of message bodies, pure
    routing     which model and variant a request is for, pure   ring     recent request bodies, by reference
    assignment  which side of an A/B test serves it, pure        compose  a request's head as it is sent on, pure
    downstream  one client connection                            stream   one relayed request
    upstream    the pool of one model server                     connection  one connection to it
    endpoints   its addresses and the state of each, pure        health   the active check of one address
    trailers    which trailer fields pass, pure              tunnel   an upgraded connection
    names       looking up the addresses of a name               shadow   copies to the variant of a shadow test
    counts      what was counted since it was last told          tap      the link to the monitor
    feedback    a request that the monitor answers               asks     what the monitor is asked meanwhile
    allowance   how often an address may send feedback, pure
    tls         contexts of TLS from files that may change       encrypted   TLS on one connection, either way
    certificate when a certificate ends, pure                    tls_accept  a client's handshake
    relay       Proxy, which holds all of these                  worker   the process
    fields      what single fields of a head may say, pure       known_heads heads that came before, not parsed again
    capture     what of an exchange the monitor is told          uploads  clients that send or take slowly
    listener    how a listener ends without a reset              descriptors  how many clients there is room for
    broken      what is wrong with a head, in words, pure        sockets  what the kernel is asked of a client's socket
    answers     the proxy's own answers, pure                    timed    what the times of a request come to, pure
    drain       what a worker that ends waits for                wanted   bodies that the monitor asked for, pure

Invariants: a request with a bad head reaches no upstream, one with a bad body never as a complete message; a POST is
never sent twice; a response that has begun is aborted, never replaced; every wait and size has a bound in
``types.Limits`` and a counter in ``limits_hit``; the relay never waits for the tap, nor for a copy, which shares no
connection with what serves.
"""
