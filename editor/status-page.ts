/** The way to the hub's status page: in Node-RED's main menu, and among its actions. */
function addStatusPage(): void {
  const action = 'pcp:show-status-page';
  const label = text('status_page');
  RED.actions.add(action, () => window.open('integrations/ui/', 'pcp-integrations'), { label });
  RED.menu.addItem('red-ui-header-button-sidemenu', { id: 'pcp-status-page', label, onselect: action });
}
