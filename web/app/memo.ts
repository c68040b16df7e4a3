import { Component, type ComponentType, type FunctionComponent, h, type VNode } from "preact";

/** `inner`, drawn again only when one of its properties is another. */
export function memo<P extends object>(inner: FunctionComponent<P>): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const keys = new Set([...Object.keys(this.props), ...Object.keys(next)]) as Set<keyof P>;
      return [...keys].some((key) => this.props[key] !== next[key]);
    }
    override render(): VNode {
      return h(inner as FunctionComponent<object>, this.props);
    }
  };
}
