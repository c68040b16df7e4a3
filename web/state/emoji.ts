/** Emoji by name, as pairs in one string: the names that people know from other chats. */
const TABLE =
  "smile 😄 grin 😁 joy 😂 rofl 🤣 smiley 😃 laughing 😆 wink 😉 blush 😊 yum 😋 sunglasses 😎 " +
  "heart_eyes 😍 kissing_heart 😘 slight_smile 🙂 hugs 🤗 star_struck 🤩 thinking 🤔 neutral 😐 " +
  "expressionless 😑 no_mouth 😶 roll_eyes 🙄 smirk 😏 persevere 😣 open_mouth 😮 zipper_mouth 🤐 " +
  "sleepy 😪 tired 😫 sleeping 😴 relieved 😌 tongue 😛 stuck_out_tongue 😜 drooling 🤤 unamused 😒 " +
  "sweat 😓 pensive 😔 confused 😕 upside_down 🙃 money_mouth 🤑 astonished 😲 frowning ☹️ sad 🙁 " +
  "confounded 😖 disappointed 😞 worried 😟 triumph 😤 cry 😢 sob 😭 anguished 😧 fearful 😨 weary 😩 " +
  "exploding_head 🤯 grimacing 😬 cold_sweat 😰 scream 😱 flushed 😳 zany 🤪 dizzy 😵 rage 😡 angry 😠 " +
  "cursing 🤬 mask 😷 sick 🤒 hurt 🤕 nauseated 🤢 sneezing 🤧 innocent 😇 cowboy 🤠 clown 🤡 lying 🤥 " +
  "shushing 🤫 monocle 🧐 nerd 🤓 devil 😈 skull 💀 ghost 👻 alien 👽 robot 🤖 poop 💩 cat 😺 " +
  "see_no_evil 🙈 hear_no_evil 🙉 speak_no_evil 🙊 melting 🫠 salute 🫡 pleading 🥺 partying 🥳 " +
  "heart ❤️ orange_heart 🧡 yellow_heart 💛 green_heart 💚 blue_heart 💙 purple_heart 💜 black_heart 🖤 " +
  "broken_heart 💔 two_hearts 💕 sparkling_heart 💖 hundred 💯 anger 💢 boom 💥 dash 💨 speech 💬 zzz 💤 " +
  "wave 👋 raised_hand ✋ vulcan 🖖 ok_hand 👌 pinch 🤏 v ✌️ crossed_fingers 🤞 rock 🤘 call_me 🤙 " +
  "point_left 👈 point_right 👉 point_up ☝️ point_down 👇 thumbsup 👍 +1 👍 thumbsdown 👎 -1 👎 fist ✊ " +
  "punch 👊 clap 👏 raised_hands 🙌 open_hands 👐 handshake 🤝 pray 🙏 writing ✍️ muscle 💪 brain 🧠 " +
  "eyes 👀 ear 👂 nose 👃 lips 👄 baby 👶 man 👨 woman 👩 facepalm 🤦 shrug 🤷 bow 🙇 run 🏃 dance 💃 " +
  "dog 🐶 mouse 🐭 rabbit 🐰 fox 🦊 bear 🐻 panda 🐼 koala 🐨 tiger 🐯 lion 🦁 cow 🐮 pig 🐷 frog 🐸 " +
  "monkey 🐵 chicken 🐔 penguin 🐧 bird 🐦 owl 🦉 unicorn 🦄 bee 🐝 bug 🐛 butterfly 🦋 snail 🐌 turtle 🐢 " +
  "snake 🐍 octopus 🐙 crab 🦀 fish 🐟 dolphin 🐬 whale 🐳 shark 🦈 crocodile 🐊 elephant 🐘 sloth 🦥 " +
  "bouquet 💐 rose 🌹 sunflower 🌻 tulip 🌷 tree 🌳 cactus 🌵 clover 🍀 leaf 🍃 mushroom 🍄 " +
  "apple 🍎 pear 🍐 orange 🍊 lemon 🍋 banana 🍌 grapes 🍇 strawberry 🍓 cherry 🍒 peach 🍑 pineapple 🍍 " +
  "avocado 🥑 tomato 🍅 carrot 🥕 corn 🌽 bread 🍞 cheese 🧀 egg 🥚 bacon 🥓 burger 🍔 fries 🍟 pizza 🍕 " +
  "taco 🌮 sushi 🍣 ramen 🍜 cookie 🍪 cake 🍰 birthday 🎂 chocolate 🍫 popcorn 🍿 icecream 🍦 " +
  "coffee ☕ tea 🍵 beer 🍺 beers 🍻 champagne 🍾 wine 🍷 cocktail 🍸 soccer ⚽ basketball 🏀 tennis 🎾 " +
  "trophy 🏆 medal 🏅 dart 🎯 game 🎮 dice 🎲 puzzle 🧩 guitar 🎸 music 🎵 headphones 🎧 mic 🎤 " +
  "movie 🎬 art 🎨 camera 📷 tada 🎉 confetti 🎊 balloon 🎈 gift 🎁 christmas 🎄 pumpkin 🎃 fireworks 🎆 " +
  "sparkles ✨ star ⭐ fire 🔥 sun ☀️ cloud ☁️ rain 🌧️ snow ❄️ snowman ⛄ lightning ⚡ rainbow 🌈 moon 🌙 " +
  "earth 🌍 ocean 🌊 droplet 💧 umbrella ☂️ car 🚗 taxi 🚕 bus 🚌 bike 🚲 train 🚆 plane ✈️ rocket 🚀 " +
  "ship 🚢 house 🏠 office 🏢 tent ⛺ map 🗺️ phone 📱 laptop 💻 keyboard ⌨️ printer 🖨️ floppy 💾 tv 📺 " +
  "battery 🔋 plug 🔌 bulb 💡 flashlight 🔦 book 📖 books 📚 newspaper 📰 mail 📧 inbox 📥 package 📦 " +
  "pencil ✏️ memo 📝 clipboard 📋 calendar 📅 chart 📈 pushpin 📌 paperclip 📎 scissors ✂️ folder 📁 " +
  "lock 🔒 unlock 🔓 key 🔑 hammer 🔨 wrench 🔧 gear ⚙️ link 🔗 magnet 🧲 test_tube 🧪 microscope 🔬 " +
  "telescope 🔭 pill 💊 syringe 💉 door 🚪 bed 🛏️ hourglass ⏳ watch ⌚ alarm ⏰ bell 🔔 no_bell 🔕 " +
  "mag 🔍 bomb 💣 shield 🛡️ flag 🚩 checkered_flag 🏁 white_check_mark ✅ check ✔️ x ❌ question ❓ " +
  "exclamation ❗ warning ⚠️ no_entry ⛔ recycle ♻️ plus ➕ minus ➖ arrow_up ⬆️ arrow_down ⬇️ " +
  "arrow_left ⬅️ arrow_right ➡️ repeat 🔁 red_circle 🔴 green_circle 🟢 blue_circle 🔵 infinity ♾️";

/** An emoji and what it is called. */
export interface Emoji {
  readonly name: string;
  readonly emoji: string;
}

/** All of them, in the order in which they are offered. */
export const EMOJI: readonly Emoji[] = Array.from(
  TABLE.matchAll(/(\S+) (\S+)(?: |$)/g),
  ([, name = "", emoji = ""]) => ({ name, emoji }),
);

const BY_NAME = new Map(EMOJI.map(({ name, emoji }) => [name, emoji]));

/** Emoji whose names begin with `start`, or hold it; the first `limit` of them. */
export function findEmoji(start: string, limit: number): readonly Emoji[] {
  const key = start.toLowerCase();
  const begin = EMOJI.filter(({ name }) => name.startsWith(key));
  const hold = EMOJI.filter(({ name }) => !name.startsWith(key) && name.includes(key));
  return [...begin, ...hold].slice(0, limit);
}

/** `text` with every `:name:` of an emoji replaced by it, but for what stands in code. */
export function withEmoji(text: string): string {
  return text.replace(/`[^`]*`|(?<![\p{L}\p{N}]):([a-z0-9_+-]+):/gu, (whole, name?: string) => {
    return name === undefined ? whole : BY_NAME.get(name) ?? whole;
  });
}
