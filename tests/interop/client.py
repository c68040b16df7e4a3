"""A plain JSON client that uses Python's `websockets`.

Says hello, and exits 0 once it has received a hello from every sender named on its command line.
"""
import asyncio
import json
import sys

import websockets


async def main(url, others):
    waiting = set(others)
    async with websockets.connect(url) as socket:
        await socket.send(json.dumps({"type": "message", "message": "hello from Python", "sender": "Python"}))
        async for frame in socket:
            frame = json.loads(frame)
            messages = [frame] if frame["type"] == "message" else []
            for room in frame.get("rooms", []):
                messages += room["history"]
            for message in messages:
                if message["message"] == "hello from " + message["sender"]:
                    waiting.discard(message["sender"])
            if not waiting:
                return


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2:]), 30))
