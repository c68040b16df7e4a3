# Python's `websockets`, as its documentation recommends for a broadcast: `websockets.broadcast()`.
import asyncio

import websockets

CLIENTS = set()


async def handler(websocket):
    CLIENTS.add(websocket)
    try:
        async for message in websocket:
            websockets.broadcast(CLIENTS, message)
    except websockets.ConnectionClosedError:
        pass  # the client disconnected without a close frame
    finally:
        CLIENTS.remove(websocket)


async def main():
    async with websockets.serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"ws://127.0.0.1:{port}", flush=True)
        await asyncio.Future()


asyncio.run(main())
