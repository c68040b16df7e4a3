import { Component, type ComponentType, type FunctionComponent, h, type VNode } from "preact";

/** Renders `inner` again only when one of its properties changes. */
export function memo<P extends object>(inner: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      // Asked for every chunk of a log, every frame: without a list of names for each.
      for (const key in next) {
        if (Object.hasOwn(next, key) && this.props[key] !== next[key]) return true;
      }
      for (const key in this.props) if (!(key in next)) return true;
      return false;
    }
    override render(): VNode {
      return h(inner as FunctionComponent<object>, this.props);
    }
  };
}
