export default function ({ data }) {
  goTo(data.address);
}
